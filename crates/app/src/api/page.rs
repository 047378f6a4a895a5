//! The dashboard's files, as `build.rs` built them from `web/`: compressed beforehand, with entity tags.

use super::{Api, Routes};
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::path::{Component, PathBuf};
use std::sync::Arc;
use utoipa_axum::router::OpenApiRouter;

/// One file of the page.
struct File {
    /// Below the page's root, with `/`.
    path: &'static str,
    /// Entity tag, quoted.
    tag: &'static str,
    plain: &'static [u8],
    brotli: &'static [u8],
    gzip: &'static [u8],
}

/// Empty in a program that was built without its dashboard.
static FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/page_files.rs"));

/// A folder that is served in the place of the embedded files, for work on the page (`npx vite build --watch`).
const FOLDER_VARIABLE: &str = "FATHOMETER_PAGE_DIR";

/// Names of files in `assets/` carry a hash of what is in them.
const FOREVER: &str = "public, max-age=31536000, immutable";

/// Scripts, styles, workers and connections of this host only; nothing inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'; connect-src 'self'; \
                      img-src 'self' data: blob:; font-src 'self'; manifest-src 'self'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

const ABSENT: &str = "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Fathometer</title>\n\
    <h1>Fathometer is running; its dashboard was not built in</h1>\n\
    <p>The dashboard is made from <code>web/</code> while the program is built in release mode, which needs Node.js 20.19 \
    or newer (Debian: <code>apt install nodejs npm</code>). Install it and build again: \
    <code>cargo build --release</code>. For a development build: <code>FATHOMETER_PAGE=1 cargo build</code>.</p>\n\
    <p>Everything else is here: the <a href=\"/api/v1/docs\">API and its reference</a>, \
    <a href=\"/health\">health</a>, <a href=\"/metrics\">metrics for Prometheus</a>, and in a terminal \
    <code>fathometer top</code>.</p>\n</html>\n";

/// The paths of this file; they are not part of the API's description.
pub fn router() -> Routes {
    let folder = std::env::var_os(FOLDER_VARIABLE).map(PathBuf::from);
    let root = folder.clone();
    let index = move |headers: HeaderMap| async move { answer(root.as_ref(), "index.html", &headers).await };
    let asset = move |Path(name): Path<String>, headers: HeaderMap, uri: Uri| async move {
        let found = answer(folder.as_ref(), &format!("assets/{name}"), &headers).await;
        if found.status() == StatusCode::NOT_FOUND {
            super::Problem::no_path(uri.path()).into_response()
        } else {
            found
        }
    };
    OpenApiRouter::<Arc<Api>>::new().route("/", get(index)).route("/assets/{*name}", get(asset))
}

async fn answer(folder: Option<&PathBuf>, path: &str, headers: &HeaderMap) -> Response {
    if let Some(folder) = folder {
        return from_folder(folder, path).await;
    }
    match FILES.iter().find(|file| file.path == path) {
        Some(file) => embedded(file, headers),
        None if path == "index.html" => described(ABSENT.into_response(), path, "no-cache"),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn embedded(file: &'static File, headers: &HeaderMap) -> Response {
    let keep = if file.path.starts_with("assets/") { FOREVER } else { "no-cache" };
    let known = headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    let same = known.is_some_and(|tags| tags.split(',').any(|tag| matches(tag.trim(), file.tag)));
    let (bytes, coding) = match headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()) {
        Some(codings) if accepts(codings, "br") => (file.brotli, Some("br")),
        Some(codings) if accepts(codings, "gzip") => (file.gzip, Some("gzip")),
        _ => (file.plain, None),
    };
    let body = if same { StatusCode::NOT_MODIFIED.into_response() } else { bytes.into_response() };
    let mut response = described(body, file.path, keep);
    let answer = response.headers_mut();
    answer.insert(header::ETAG, HeaderValue::from_static(file.tag));
    answer.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let (Some(coding), false) = (coding, same) {
        answer.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
}

/// Whether a tag of `If-None-Match` is that one; the comparison is the weak one.
fn matches(asked: &str, tag: &str) -> bool {
    asked == "*" || asked.trim_start_matches("W/") == tag
}

/// Whether `Accept-Encoding` allows a coding.
fn accepts(codings: &str, coding: &str) -> bool {
    codings.split(',').any(|one| {
        let mut parts = one.split(';').map(str::trim);
        parts.next() == Some(coding) && !parts.any(|weight| matches!(weight, "q=0" | "q=0.0" | "q=0.00" | "q=0.000"))
    })
}

async fn from_folder(folder: &std::path::Path, path: &str) -> Response {
    let plain = std::path::Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if !plain {
        return StatusCode::NOT_FOUND.into_response();
    }
    match tokio::fs::read(folder.join(path)).await {
        Ok(bytes) => described(bytes.into_response(), path, "no-cache"),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}

fn described(mut response: Response, path: &str, keep: &'static str) -> Response {
    let kind = match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        _ => "application/octet-stream",
    };
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;

    static FILE: File = File { path: "assets/a-1.js", tag: "\"1\"", plain: b"plain", brotli: b"brotli", gzip: b"gzip" };

    fn asked(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    async fn body(response: Response) -> Vec<u8> {
        to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()
    }

    #[tokio::test]
    async fn a_file_comes_as_the_reader_can_take_it() {
        for (codings, coding, bytes) in [
            ("gzip, deflate, br, zstd", Some("br"), &b"brotli"[..]),
            ("gzip;q=1.0, br;q=0", Some("gzip"), b"gzip"),
            ("identity", None, b"plain"),
        ] {
            let response = embedded(&FILE, &asked(header::ACCEPT_ENCODING, codings));
            assert_eq!(response.headers().get(header::CONTENT_ENCODING).map(|it| it.to_str().unwrap()), coding);
            assert_eq!(response.headers()[header::CONTENT_TYPE], "text/javascript; charset=utf-8");
            assert_eq!(response.headers()[header::CACHE_CONTROL], FOREVER);
            assert_eq!(body(response).await, bytes);
        }
    }

    #[tokio::test]
    async fn what_the_reader_has_is_not_sent_again() {
        for tags in ["\"1\"", "W/\"1\"", "\"0\", \"1\"", "*"] {
            let response = embedded(&FILE, &asked(header::IF_NONE_MATCH, tags));
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{tags}");
            assert!(body(response).await.is_empty());
        }
        assert_eq!(embedded(&FILE, &asked(header::IF_NONE_MATCH, "\"2\"")).status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn nothing_outside_the_folder_is_served() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("page")).unwrap();
        std::fs::write(folder.path().join("secret"), "secret").unwrap();
        std::fs::write(folder.path().join("page/index.html"), "page").unwrap();
        let page = folder.path().join("page");
        let absolute = folder.path().join("secret");
        assert_eq!(body(from_folder(&page, "index.html").await).await, b"page");
        for path in ["../secret", "assets/../../secret", absolute.to_str().unwrap(), "", "."] {
            assert_eq!(from_folder(&page, path).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
    }

    #[tokio::test]
    async fn the_index_is_there_with_or_without_a_dashboard() {
        let response = answer(None, "index.html", &HeaderMap::new()).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/html; charset=utf-8");
        assert!(response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().contains("script-src 'self';"));
        let text = String::from_utf8(body(response).await).unwrap();
        assert!(
            text.contains(if FILES.is_empty() { "FATHOMETER_PAGE=1" } else { "<script type=\"module\"" }),
            "{text}"
        );
        assert_eq!(answer(None, "assets/none.js", &HeaderMap::new()).await.status(), StatusCode::NOT_FOUND);
    }
}
