//! WebSocket frames (RFC 6455, server side). Done here rather than by a library because a message is framed once and the
//! same bytes go to every subscriber, and because faults need frames that no library would write.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Longest message a client may send, bytes (OKX takes channel lists of up to 64 KiB).
pub(crate) const MESSAGE_BYTES_MAX: usize = 128 << 10;

/// What a client sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A whole message, text or binary.
    Message(Bytes),
    /// Ping with its payload.
    Ping(Bytes),
    /// Pong with its payload.
    Pong(Bytes),
    /// Close with its payload (code and reason, to be echoed).
    Close(Bytes),
}

/// Why a client's bytes are no WebSocket; the close code says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bad {
    /// 1002.
    Protocol,
    /// 1009.
    TooLong,
}

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// A message being put together from fragments.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    message: BytesMut,
    in_message: bool,
}

impl Reader {
    /// Takes the next whole thing out of `input`; `None` until more bytes come.
    pub(crate) fn next(&mut self, input: &mut BytesMut) -> Result<Option<Heard>, Bad> {
        loop {
            let Some((fin, opcode, payload)) = take_frame(input)? else { return Ok(None) };
            match opcode {
                TEXT | BINARY | CONTINUATION => {
                    if self.in_message != (opcode == CONTINUATION) {
                        return Err(Bad::Protocol);
                    }
                    if self.message.len() + payload.len() > MESSAGE_BYTES_MAX {
                        return Err(Bad::TooLong);
                    }
                    self.message.extend_from_slice(&payload);
                    self.in_message = !fin;
                    if fin {
                        return Ok(Some(Heard::Message(self.message.split().freeze())));
                    }
                }
                PING if fin => return Ok(Some(Heard::Ping(payload))),
                PONG if fin => return Ok(Some(Heard::Pong(payload))),
                CLOSE if fin => return Ok(Some(Heard::Close(payload))),
                _ => return Err(Bad::Protocol),
            }
        }
    }
}

fn take_frame(input: &mut BytesMut) -> Result<Option<(bool, u8, Bytes)>, Bad> {
    let &[first, second, ..] = input.as_ref() else { return Ok(None) };
    // Reserved bits belong to extensions, and none was agreed on; a client must mask.
    if first & 0x70 != 0 || second & 0x80 == 0 {
        return Err(Bad::Protocol);
    }
    let (fin, opcode) = (first & 0x80 != 0, first & 0x0f);
    let mut rest = &input[2..];
    let length = match second & 0x7f {
        126 if rest.len() >= 2 => u64::from(rest.get_u16()),
        127 if rest.len() >= 8 => rest.get_u64(),
        126 | 127 => return Ok(None),
        short => u64::from(short),
    };
    if opcode >= CLOSE && length > 125 {
        return Err(Bad::Protocol);
    }
    let length = usize::try_from(length).ok().filter(|l| *l <= MESSAGE_BYTES_MAX).ok_or(Bad::TooLong)?;
    if rest.len() < 4 + length {
        return Ok(None);
    }
    let head = input.len() - rest.len();
    input.advance(head);
    let mask = input.split_to(4);
    let mut payload = input.split_to(length);
    for (byte, key) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= key;
    }
    Ok(Some((fin, opcode, payload.freeze())))
}

fn head(opcode: u8, length: usize) -> BytesMut {
    let mut out = BytesMut::with_capacity(length + 10);
    out.put_u8(0x80 | opcode);
    match length {
        0..=125 => out.put_u8(length as u8),
        126..=0xffff => {
            out.put_u8(126);
            out.put_u16(length as u16);
        }
        _ => {
            out.put_u8(127);
            out.put_u64(length as u64);
        }
    }
    out
}

fn frame(opcode: u8, payload: &[u8]) -> Bytes {
    let mut out = head(opcode, payload.len());
    out.put_slice(payload);
    out.freeze()
}

/// A text message.
pub(crate) fn text(text: &str) -> Bytes {
    frame(TEXT, text.as_bytes())
}

/// A ping.
pub(crate) fn ping(payload: &[u8]) -> Bytes {
    frame(PING, payload)
}

/// A pong.
pub(crate) fn pong(payload: &[u8]) -> Bytes {
    frame(PONG, payload)
}

/// A close with code and reason.
pub(crate) fn close(code: u16, reason: &str) -> Bytes {
    let mut payload = BytesMut::with_capacity(125);
    payload.put_u16(code);
    payload.put_slice(reason.as_bytes().get(..123).unwrap_or(reason.as_bytes()));
    frame(CLOSE, &payload)
}

/// The answer to a close.
pub(crate) fn close_echo(payload: &[u8]) -> Bytes {
    frame(CLOSE, payload.get(..2).unwrap_or_default())
}

/// A message of broken JSON: the second half of the text is missing, the frame itself is whole.
pub(crate) fn malformed(framed: &Bytes) -> Bytes {
    let body = payload_of(framed);
    let half = (1..=body.len() / 2).rev().find(|i| body.get(*i).is_some_and(u8::is_ascii)).unwrap_or(0);
    frame(TEXT, &body[..half])
}

/// The first half of a frame's bytes.
pub(crate) fn truncated(framed: &Bytes) -> Bytes {
    framed.slice(..(framed.len() / 2).max(1))
}

/// A text message of that many bytes.
pub(crate) fn oversize(length: usize) -> Bytes {
    let mut out = head(TEXT, length.max(10));
    out.put_slice(b"{\"pad\":\"");
    out.put_bytes(b'x', length.max(10) - 10);
    out.put_slice(b"\"}");
    out.freeze()
}

/// The payload of a frame that this module made.
pub(crate) fn payload_of(framed: &Bytes) -> Bytes {
    let skip = match framed.get(1) {
        Some(126) => 4,
        Some(127) => 10,
        _ => 2,
    };
    framed.slice(skip.min(framed.len())..)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = head(first & 0x0f, payload.len()).to_vec();
        out[0] = first;
        out[1] |= 0x80;
        let mask = [7u8, 1, 200, 90];
        out.extend(mask);
        out.extend(payload.iter().zip(mask.iter().cycle()).map(|(b, k)| b ^ k));
        out
    }

    #[test]
    fn however_the_bytes_are_cut_the_same_is_heard() {
        let long = vec![b'y'; 70_000];
        let mut wire = masked(0x81, b"{\"a\":1}");
        wire.extend(masked(0x01, b"frag"));
        wire.extend(masked(0x89, b"ping me"));
        wire.extend(masked(0x80, b"ment"));
        wire.extend(masked(0x81, &long));
        wire.extend(masked(0x88, &[3, 232]));
        for step in [1, 2, 3, 7, 1000, wire.len()] {
            let (mut reader, mut input, mut heard) = (Reader::default(), BytesMut::new(), vec![]);
            for piece in wire.chunks(step) {
                input.extend_from_slice(piece);
                while let Some(h) = reader.next(&mut input).unwrap() {
                    heard.push(h);
                }
            }
            let expect = [
                Heard::Message(Bytes::from_static(b"{\"a\":1}")),
                Heard::Ping(Bytes::from_static(b"ping me")),
                Heard::Message(Bytes::from_static(b"fragment")),
                Heard::Message(Bytes::from(long.clone())),
                Heard::Close(Bytes::from_static(&[3, 232])),
            ];
            assert_eq!(heard, expect, "step {step}");
        }
    }

    #[test]
    fn what_is_no_websocket_is_refused() {
        let check = |wire: &[u8], bad| assert_eq!(Reader::default().next(&mut BytesMut::from(wire)), Err(bad));
        check(&[0x81, 0x01, b'x'], Bad::Protocol); // not masked
        check(&masked(0xc1, b"x"), Bad::Protocol); // compressed, though nobody agreed to
        check(&masked(0x80, b"x"), Bad::Protocol); // continues nothing
        check(&masked(0x83, b"x"), Bad::Protocol); // no such opcode
        check(&masked(0x81, &vec![0; MESSAGE_BYTES_MAX + 1]), Bad::TooLong);
    }

    #[test]
    fn broken_messages_are_broken_as_asked() {
        let framed = text(&format!("{{\"e\":\"{}\"}}", "z".repeat(300)));
        assert!(serde_json::from_slice::<serde_json::Value>(&payload_of(&framed)).is_ok());
        assert!(serde_json::from_slice::<serde_json::Value>(&payload_of(&malformed(&framed))).is_err());
        assert_eq!(truncated(&framed).len(), framed.len() / 2);
        let big = oversize(100_000);
        assert_eq!(payload_of(&big).len(), 100_000);
        assert!(serde_json::from_slice::<serde_json::Value>(&payload_of(&big)).is_ok());
    }
}
