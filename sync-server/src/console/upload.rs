//! A form with a file, as browsers send it (RFC 7578): its fields, each as bytes.

use std::collections::BTreeMap;

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;

/// Parts that a form here may have.
const PARTS: usize = 32;

/// The fields of a form by name; of two under one name the last.
///
/// # Errors
/// A sentence: the bytes are no form with a file.
pub(super) fn fields(headers: &HeaderMap, body: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, &'static str> {
    const WRONG: &str = "The form did not come whole; choose the file again, and send it again.";
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let boundary = kind.strip_prefix("multipart/form-data").and_then(|rest| parameter(rest, "boundary"));
    let boundary = boundary.filter(|text| !text.is_empty()).ok_or(WRONG)?;
    let line = format!("--{boundary}").into_bytes();
    let between = [b"\r\n", line.as_slice()].concat();
    let mut rest = body.strip_prefix(line.as_slice()).ok_or(WRONG)?;
    let mut found = BTreeMap::new();
    while !rest.starts_with(b"--") {
        let part = rest.strip_prefix(b"\r\n").ok_or(WRONG)?;
        let head = position(part, b"\r\n\r\n").ok_or(WRONG)?;
        let told = std::str::from_utf8(&part[..head]).map_err(|_| WRONG)?;
        let value = &part[head + 4..];
        let end = position(value, &between).ok_or(WRONG)?;
        let about = told.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"));
        let name = about.and_then(|line| parameter(line, "name")).ok_or(WRONG)?;
        found.insert(name, value[..end].to_vec());
        if found.len() > PARTS {
            return Err(WRONG);
        }
        rest = &value[end + between.len()..];
    }
    Ok(found)
}

/// A parameter of a header, such as `; name="file"`.
fn parameter(header: &str, name: &str) -> Option<String> {
    header.split(';').find_map(|pair| {
        let (known, value) = pair.trim().split_once('=')?;
        (known == name).then(|| value.trim_matches('"').to_owned())
    })
}

fn position(bytes: &[u8], of: &[u8]) -> Option<usize> {
    bytes.windows(of.len()).position(|window| window == of)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(kind: &str, body: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, &'static str> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        fields(&headers, body)
    }

    #[test]
    fn a_form_is_read_as_it_was_sent_and_anything_else_is_refused() {
        let body = b"--x1\r\nContent-Disposition: form-data; name=\"seeds\"\r\n\r\n4\r\n--x1\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\nContent-Type: text/csv\r\n\r\na,b\r\n1,2\r\n\r\n--x1--\r\n";
        let found = sent("multipart/form-data; boundary=x1", body).unwrap();
        assert_eq!(found["seeds"], b"4");
        assert_eq!(found["file"], b"a,b\r\n1,2\r\n");
        assert!(sent("multipart/form-data; boundary=x1", &body[..body.len() - 12]).is_err());
        assert!(sent("multipart/form-data; boundary=other", body).is_err());
        assert!(sent("multipart/form-data", body).is_err());
        assert!(sent("application/x-www-form-urlencoded", b"a=1").is_err());
        assert!(sent("multipart/form-data; boundary=x1", b"").is_err());
        for cut in 0..body.len() {
            let _ = sent("multipart/form-data; boundary=x1", &body[..cut]);
        }
    }
}
