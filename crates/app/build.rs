//! Builds the dashboard of `web/` into the binary, where Node.js is there to do it.
//!
//! A release build does so by itself, and a development build with `FATHOMETER_PAGE=1` (which then must succeed);
//! `FATHOMETER_PAGE=0` never does. Otherwise, or without Node.js, the program is built all the same, and the page that it
//! serves says how to get the dashboard. The npm packages are those of `web/package-lock.json`, installed without running
//! their scripts, beside Cargo's other output; the source tree is left as it is.

use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Oldest Node.js that the tools run on.
const NODE_MIN: (u32, u32) = (20, 19);

fn main() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=FATHOMETER_PAGE");
    let out = PathBuf::from(variable("OUT_DIR")?);
    let web = PathBuf::from(variable("CARGO_MANIFEST_DIR")?).join("../../web");
    let asked = std::env::var("FATHOMETER_PAGE").unwrap_or_default();
    let wanted = match asked.as_str() {
        "1" => true,
        "0" => false,
        _ => std::env::var("PROFILE").as_deref() == Ok("release"),
    };
    let mut page = None;
    if wanted {
        sources(&web).iter().for_each(|path| println!("cargo::rerun-if-changed={}", path.display()));
        match build(&web, &out) {
            Ok(folder) => page = Some(folder),
            Err(problem) if asked == "1" => return Err(problem),
            Err(problem) => println!("cargo::warning=the program is built without its dashboard: {problem}"),
        }
    } else {
        println!("cargo::rerun-if-changed=build.rs");
    }
    let list = match page {
        Some(folder) => embed(&folder)?,
        None => "&[]".to_owned(),
    };
    write(&out.join("page_files.rs"), list.as_bytes())
}

/// Builds the page and tells where it stands.
fn build(web: &Path, out: &Path) -> Result<PathBuf, String> {
    let lock = read(&web.join("package-lock.json"))?;
    node()?;
    let (stage, page) = (out.join("web"), out.join("page"));
    let installed = stage.join("node_modules/.fathometer-lock");
    fs::create_dir_all(&stage).map_err(|error| format!("{}: {error}", stage.display()))?;
    let _ = fs::remove_dir_all(stage.join("src")); // what was taken out of the sources must not stay; absent at first
    for source in sources(web) {
        copy(&source, &stage.join(source.file_name().unwrap_or_default()))?;
    }
    if fs::read(&installed).ok().as_ref() != Some(&lock) {
        run(&stage, "npm", &["ci", "--ignore-scripts", "--omit=dev", "--no-audit", "--no-fund"], &[])?;
        write(&installed, &lock)?;
    }
    run(&stage, "node", &["node_modules/vite/bin/vite.js", "build"], &[("FATHOMETER_PAGE_OUT", page.as_os_str())])?;
    Ok(page)
}

/// What the page is made of; tests and what npm leaves behind are not.
fn sources(web: &Path) -> Vec<PathBuf> {
    let names =
        ["src", "index.html", "package.json", "package-lock.json", ".npmrc", "svelte.config.js", "vite.config.ts"];
    names.iter().map(|name| web.join(name)).collect()
}

fn node() -> Result<(), String> {
    let needed = format!("Node.js {}.{} or newer is needed (Debian: apt install nodejs npm)", NODE_MIN.0, NODE_MIN.1);
    let told = Command::new("node").arg("--version").output().map_err(|_| format!("there is no `node`; {needed}"))?;
    let text = String::from_utf8_lossy(&told.stdout);
    let mut parts = text.trim().trim_start_matches('v').split('.').map_while(|part| part.parse::<u32>().ok());
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if version < NODE_MIN {
        return Err(format!("`node` is {}; {needed}", text.trim()));
    }
    Ok(())
}

fn run(folder: &Path, program: &str, arguments: &[&str], variables: &[(&str, &OsStr)]) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(folder).envs(variables.iter().copied());
    let told = command.output().map_err(|error| format!("`{program}` cannot be run: {error}"))?;
    if told.status.success() {
        return Ok(());
    }
    let words = [told.stdout, told.stderr].concat();
    let last: Vec<_> = String::from_utf8_lossy(&words).lines().rev().take(12).map(str::to_owned).collect();
    let last: Vec<_> = last.into_iter().rev().collect();
    Err(format!("`{program} {}` failed ({}): {}", arguments.join(" "), told.status, last.join(" | ")))
}

/// The list of files as Rust source: path, entity tag, and the bytes plain and compressed.
fn embed(page: &Path) -> Result<String, String> {
    let mut files = Vec::new();
    walk(page, &mut files)?;
    files.sort();
    let mut list = String::from("&[\n");
    for file in files.iter().filter(|file| !["br", "gz"].iter().any(|end| file.extension() == Some(OsStr::new(end)))) {
        let name = file.strip_prefix(page).map_err(|error| error.to_string())?.to_string_lossy().replace('\\', "/");
        let mut hasher = DefaultHasher::new();
        read(file)?.hash(&mut hasher);
        let include = |end: &str| format!("include_bytes!({:?})", format!("{}{end}", file.display()));
        let (plain, brotli, gzip) = (include(""), include(".br"), include(".gz"));
        let tag = format!("\\\"{:016x}\\\"", hasher.finish());
        list.push_str(&format!(
            "File {{ path: {name:?}, tag: \"{tag}\", plain: {plain}, brotli: {brotli}, gzip: {gzip} }},\n"
        ));
    }
    list.push(']');
    Ok(list)
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| error.to_string())?.path();
        if path.is_dir() { walk(&path, files)? } else { files.push(path) }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<(), String> {
    if !from.is_dir() {
        return write(to, &read(from)?);
    }
    fs::create_dir_all(to).map_err(|error| format!("{}: {error}", to.display()))?;
    for entry in fs::read_dir(from).map_err(|error| format!("{}: {error}", from.display()))? {
        let entry = entry.map_err(|error| error.to_string())?;
        copy(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{}: {error}", path.display()))
}

fn variable(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("Cargo did not set {name}"))
}
