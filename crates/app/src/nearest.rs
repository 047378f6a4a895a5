//! The valid name that a mistyped one most likely meant.

/// The candidates nearest to `asked`, best first, at most `max`; those too far to be a slip are left out.
pub fn nearest<'a>(asked: &str, candidates: impl IntoIterator<Item = &'a str>, max: usize) -> Vec<&'a str> {
    let lower = asked.to_lowercase();
    let limit = (asked.chars().count() / 3).max(2);
    let mut near: Vec<(usize, &str)> = candidates
        .into_iter()
        .map(|candidate| {
            let name = candidate.to_lowercase();
            // A name that was cut short is as near as a slip.
            let cut = lower.len() >= 3 && name.starts_with(&lower);
            (if cut { 1 } else { distance(&lower, &name) }, candidate)
        })
        .filter(|(distance, _)| *distance <= limit)
        .collect();
    near.sort();
    near.dedup();
    near.into_iter().take(max).map(|(_, candidate)| candidate).collect()
}

/// Single-character insertions, deletions, replacements and swaps of neighbours that turn `a` into `b`
/// (optimal string alignment).
pub fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let replaced = last[j] + usize::from(a[i] != b[j]);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_counted() {
        for (a, b, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "", 3),
            ("websockt", "websocket", 1),
            ("enabeld", "enabled", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn only_what_could_be_a_slip_is_offered() {
        let keys = ["enabled", "websocket", "connection"];
        assert_eq!(nearest("Websockets", keys, 3), ["websocket"]);
        assert_eq!(nearest("connect", keys, 3), ["connection"]);
        assert!(nearest("zzz", keys, 3).is_empty());
        assert_eq!(nearest("BTCUSDTT", ["BTCUSDT", "BTCUSDC", "ETHUSDT"], 2), ["BTCUSDT", "BTCUSDC"]);
    }
}
