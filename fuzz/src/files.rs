//! Files: tapes, recordings of others, configuration.

use crate::session;
use fathometer::config::{Config, Sources};
use fathometer_edge::recording;
use fathometer_edge::tape::{Options, Writer};
use fathometer_engine::input::{Body, Input, LinkId, NO_LINK};
use fathometer_engine::instrument::Venue;
use fathometer_engine::units::Nanos;
use std::cell::LazyCell;
use std::io::Write;
use tempfile::TempDir;

const HEAD: usize = 40;
const BLOCK_HEAD: usize = 48;
const START: i64 = 1_780_000_000_000_000_000;
const FILES: [&str; 4] = ["exchanges", "instruments", "alerts", "features"];

thread_local! {
    static FOLDER: LazyCell<TempDir> = LazyCell::new(|| {
        // In memory where that is possible: millions of files are written.
        let memory = std::path::Path::new("/dev/shm");
        let made = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        made.expect("a temporary folder")
    });
}

/// Reads a file with this content as a recording, to its end or its error.
fn read(data: &[u8]) {
    FOLDER.with(|folder| {
        let file = folder.path().join("file");
        std::fs::write(&file, data).expect("a temporary file");
        let Ok(mut source) = recording::open(&[&file]) else { return };
        let mut inputs = 0u64;
        while let Ok(Some(_)) = source.next() {
            inputs += 1;
            // the shortest input is a tick of two bytes, and compression may make a thousand of one byte
            assert!(inputs <= 64 + data.len() as u64 * 4_096, "inputs out of nothing");
        }
        let _ = (source.header().map(<[u8]>::len), source.skipped());
    });
}

/// A segment file; its checksums are put right, so that what stands behind them is reached.
pub fn tape(data: &[u8]) {
    read(data);
    let mut right = data.to_vec();
    mend(&mut right);
    read(&right);
}

/// Writes the right checksums into whatever is laid out like a tape.
fn mend(file: &mut [u8]) {
    let number = |file: &[u8], at: usize| {
        file.get(at..at + 4).and_then(|b| b.try_into().ok()).map_or(0, |b| u32::from_le_bytes(b) as usize)
    };
    let configuration = number(file, 32);
    let mut at = HEAD.saturating_add(configuration);
    let Some(part) = file.get(HEAD..at) else { return };
    let crc = crc32c::crc32c_append(crc32c::crc32c(&file[..36]), part);
    file[36..HEAD].copy_from_slice(&crc.to_le_bytes());
    while at + BLOCK_HEAD <= file.len() {
        let end = at + BLOCK_HEAD + number(file, at + 4);
        let Some(payload) = file.get(at + BLOCK_HEAD..end) else { return };
        let crc = crc32c::crc32c(payload).to_le_bytes();
        file[at + 40..at + 44].copy_from_slice(&crc);
        let crc = crc32c::crc32c(&file[at..at + 44]).to_le_bytes();
        file[at + 44..at + 48].copy_from_slice(&crc);
        at = end;
    }
}

/// The inside of a block: the first byte says how it is packed and how many inputs it claims, the rest is what is packed.
pub fn tape_block(data: &[u8]) {
    let Some((how, inside)) = data.split_first() else { return };
    let mut payload = Vec::new();
    let codec: u32 = if how & 1 == 0 { 1 } else { 2 };
    if codec == 1 {
        payload = zstd::bulk::compress(inside, 1).unwrap_or_default();
    } else {
        // folded parts: eleven or so columns, cut out of the bytes at hand
        let parts = 1 + usize::from(how >> 3);
        for part in inside.chunks((inside.len() / parts).max(1)) {
            let packed = zstd::bulk::compress(part, 1).unwrap_or_default();
            varint(&mut payload, part.len());
            varint(&mut payload, packed.len());
            payload.extend_from_slice(&packed);
        }
    }
    let mut file = b"FTHMTAPE\x01\0\0\0\0\0\0\0".to_vec();
    file.extend_from_slice(&START.to_le_bytes());
    file.extend_from_slice(&START.to_le_bytes());
    file.extend_from_slice(&[0; 8]);
    let inputs = 1 + u32::from(how >> 1);
    let parts: [u32; 3] = [payload.len() as u32, inside.len() as u32, inputs];
    file.extend_from_slice(b"FBLK");
    parts.iter().for_each(|n| file.extend_from_slice(&n.to_le_bytes()));
    file.extend_from_slice(&START.to_le_bytes());
    file.extend_from_slice(&START.to_le_bytes());
    file.extend_from_slice(&0u32.to_le_bytes());
    file.extend_from_slice(&codec.to_le_bytes());
    file.extend_from_slice(&[0; 8]);
    file.extend_from_slice(&payload);
    mend(&mut file);
    read(&file);
}

fn varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// A recording of whatever kind.
pub fn recording(data: &[u8]) {
    read(data);
}

/// The first byte says which file of the folder, the rest is its text.
pub fn config(data: &[u8]) {
    let Some((which, text)) = data.split_first() else { return };
    FOLDER.with(|folder| {
        let folder = folder.path().join("config");
        std::fs::create_dir_all(&folder).expect("a temporary folder");
        let file = folder.join(FILES[usize::from(*which) % FILES.len()]).with_extension("yaml");
        std::fs::write(&file, text).expect("a temporary file");
        let read = Config::load(Sources { folder: Some(folder), ..Sources::default() });
        std::fs::remove_file(&file).expect("a temporary file");
        match read {
            Ok(config) => drop(config.watched()),
            Err(failure) => assert!(failure.to_string().starts_with("error: "), "{failure}"),
        }
    });
}

/// Tapes: one of a few inputs, one whose blocks are folded.
pub fn tapes() -> Vec<Vec<u8>> {
    [2, 400].into_iter().filter_map(written).collect()
}

fn written(frames: i64) -> Option<Vec<u8>> {
    let folder = tempfile::tempdir().ok()?;
    let options = Options { header: b"{}".to_vec(), ..Options::default() };
    let mut writer = Writer::create(folder.path(), options).ok()?;
    let link = LinkId(0);
    let mut put = |at: i64, link, body: Body<'_>| writer.append(&Input { at: Nanos(START + at), link, body }).ok();
    put(0, link, Body::Open { venue: Venue::Binance, leg: fathometer_engine::input::Leg::A, url: "wss://a/b" })?;
    for n in 0..frames {
        let text = format!(
            "{{\"e\":\"depthUpdate\",\"E\":{n},\"s\":\"BTCUSDT\",\"U\":{n},\"u\":{n},\"b\":[[\"70123.40\",\"{n}.5\"]],\"a\":[]}}"
        );
        put(n * 1_000_000, link, Body::Text(text.as_bytes()))?;
        put(n * 1_000_000, NO_LINK, Body::Tick)?;
    }
    put(0, link, Body::Reply { sent: Nanos(START), request: "/api/v3/time", status: 200, body: b"{}" })?;
    put(0, link, Body::Checkpoint(b"\0\0"))?;
    put(0, link, Body::Close { reason: "over" })?;
    writer.close().ok()?;
    let file = std::fs::read_dir(folder.path()).ok()?.find_map(Result::ok)?.path();
    std::fs::read(file).ok()
}

/// Insides of blocks: encoded inputs, and what folding makes of them.
pub fn blocks() -> Vec<Vec<u8>> {
    let plain = b"\x04\x01\0\x01\0\x09wss://a/b\x82\x02\x07{\"u\":1}\x82\x02\x07{\"u\":2}\x86\x02\x84\x02\x04\xc8\x01\x02/a\x02{}\x85\x02\x04over\x87\x02\x01\0";
    vec![plain.to_vec(), [&[0x5d], &plain[..], &plain[..]].concat(), [&[0x0d], &plain[..]].concat()]
}

/// Recordings as other programs write them.
pub fn recordings() -> Vec<Vec<u8>> {
    let depth = r#"{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":1680000000123,"T":1680000000122,"s":"BTCUSDT","U":158,"u":160,"pu":157,"b":[["28155.1","0.06"]],"a":[]}}"#;
    let reply =
        r#"{"lastUpdateId":159,"E":1680000000100,"T":1680000000100,"bids":[["28155.1","1"]],"asks":[["28155.2","2"]]}"#;
    let okx = r#"{"arg":{"channel":"books-l2-tbt","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["312.5","1","0","1"]],"bids":[["312.4","2","0","1"]],"ts":"1621862533713","checksum":-855196043}]}"#;
    let collector = format!("1680000000123456 {depth}\n1680000000123999 {reply}\n1680000000124999 {depth}\n");
    let session = format!(
        "configuration: {{}}\nwss://ws.okx.com:8443/ws/v5/public <-> 1650000000.1\nwss://ws.okx.com:8443/ws/v5/public <- 1650000000.2: {{\"op\":\"subscribe\"}}\n1650000000.3: {okx}\n1650000000.4: {okx}\n"
    );
    let answers = format!(
        "https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000 -> 1650000000.5: {reply}\n1650000000.6: {depth}\n"
    );
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let _ = packed.write_all(collector.as_bytes());
    let mut all = vec![collector.into_bytes(), session.into_bytes(), answers.into_bytes()];
    all.extend(packed.finish());
    all.extend(session::seeds().into_iter().take(1));
    all
}

/// The files that are built in.
pub fn configs() -> Vec<Vec<u8>> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../config");
    let read = |(index, name): (usize, &&str)| {
        let text = std::fs::read(folder.join(name).with_extension("yaml")).ok()?;
        Some([&[index as u8], &text[..]].concat())
    };
    FILES.iter().enumerate().filter_map(read).collect()
}
