//! What the person at the keyboard has chosen: selection, order, search, pause. Keys in, state out.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// The state of the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Screen {
    /// Identity of the selected instrument; the first one shown where it is none of them.
    pub selected: String,
    /// Column after which rows are ordered; `None` is as listed.
    pub sort: Option<usize>,
    /// Whether the largest comes first.
    pub descending: bool,
    /// Only instruments whose name holds this are shown.
    pub filter: String,
    /// The filter is being typed.
    pub typing: bool,
    /// The screen stands still; the data does not.
    pub paused: bool,
    /// The help is shown.
    pub help: bool,
    /// The selected instrument fills the screen.
    pub full: bool,
    /// First of the table's columns behind the name.
    pub column: usize,
    /// First line of a list that is longer than its place.
    pub scroll: usize,
}

/// What a key asks the program to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// Nothing but a new drawing.
    Nothing,
    /// To end.
    Quit,
}

impl Screen {
    /// Takes a key; `shown` are the identities of the instruments in the order in which they stand, `columns` is how many
    /// columns can be ordered by.
    pub fn key(&mut self, key: KeyEvent, shown: &[String], columns: usize) -> Asked {
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Asked::Quit;
        }
        if self.typing {
            self.type_filter(key.code);
            return Asked::Nothing;
        }
        if self.help {
            self.help = false;
            return if key.code == KeyCode::Char('q') { Asked::Quit } else { Asked::Nothing };
        }
        match key.code {
            KeyCode::Char('q') => return Asked::Quit,
            KeyCode::Char('?') => self.help = true,
            KeyCode::Char('/') => self.typing = true,
            KeyCode::Char(' ') => self.paused = !self.paused,
            KeyCode::Char('s') => self.sort_by_next(columns),
            KeyCode::Char('S') => self.descending = !self.descending,
            KeyCode::Enter => (self.full, self.scroll) = (!self.full, 0),
            KeyCode::Esc if self.full => self.full = false,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::PageDown if self.full => self.scroll += 10,
            KeyCode::PageUp if self.full => self.scroll = self.scroll.saturating_sub(10),
            KeyCode::Down | KeyCode::Char('j') => self.step(shown, 1),
            KeyCode::Up | KeyCode::Char('k') => self.step(shown, -1),
            KeyCode::PageDown => self.step(shown, 10),
            KeyCode::PageUp => self.step(shown, -10),
            KeyCode::Home | KeyCode::Char('g') => self.step(shown, isize::MIN),
            KeyCode::End | KeyCode::Char('G') => self.step(shown, isize::MAX),
            KeyCode::Right | KeyCode::Tab | KeyCode::Char('l') => self.column = (self.column + 1) % columns.max(1),
            KeyCode::Left | KeyCode::BackTab | KeyCode::Char('h') => self.column = self.column.saturating_sub(1),
            _ => {}
        }
        Asked::Nothing
    }

    fn type_filter(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.typing = false,
            KeyCode::Esc => {
                self.typing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => {
                self.filter.pop();
            }
            // A name is never longer; the line has an end.
            KeyCode::Char(c) if self.filter.chars().count() < 32 => self.filter.push(c),
            _ => {}
        }
    }

    fn sort_by_next(&mut self, columns: usize) {
        self.sort = match self.sort {
            None => Some(0),
            Some(column) if column + 1 < columns => Some(column + 1),
            Some(_) => None,
        };
        self.descending = self.sort.is_some_and(|column| column > 0);
    }

    fn step(&mut self, shown: &[String], by: isize) {
        let at = shown.iter().position(|id| *id == self.selected).unwrap_or(0) as isize;
        let to = at.saturating_add(by).clamp(0, (shown.len() as isize - 1).max(0));
        if let Some(id) = shown.get(to as usize) {
            self.selected.clone_from(id);
            self.scroll = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(screen: &mut Screen, keys: &str) -> Asked {
        let shown = ["a", "b", "c"].map(str::to_owned);
        let mut last = Asked::Nothing;
        for key in keys.chars() {
            let code = match key {
                '\n' => KeyCode::Enter,
                '\x1b' => KeyCode::Esc,
                '\t' => KeyCode::Tab,
                c => KeyCode::Char(c),
            };
            last = screen.key(KeyEvent::from(code), &shown, 4);
        }
        last
    }

    #[test]
    fn keys_move_sort_search_pause_and_quit() {
        let mut screen = Screen::default();
        press(&mut screen, "j");
        assert_eq!(screen.selected, "b");
        press(&mut screen, "jjjj");
        assert_eq!(screen.selected, "c", "the end is the end");
        press(&mut screen, "g");
        assert_eq!(screen.selected, "a");
        press(&mut screen, "ss");
        assert_eq!((screen.sort, screen.descending), (Some(1), true));
        press(&mut screen, "sss");
        assert_eq!(screen.sort, None);
        press(&mut screen, "/btc q\n");
        assert_eq!((screen.filter.as_str(), screen.typing), ("btc q", false));
        press(&mut screen, "\x1b");
        assert_eq!(screen.filter, "");
        press(&mut screen, " ?");
        assert!(screen.paused && screen.help);
        assert_eq!(press(&mut screen, "x"), Asked::Nothing);
        assert!(!screen.help, "any key leaves the help");
        assert_eq!(press(&mut screen, "q"), Asked::Quit);
    }
}
