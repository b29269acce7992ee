//! Charts and QR codes as SVG from the server. Every chart stands beside its table: the picture says nothing alone.

use std::fmt::Write as _;

use qrcode::QrCode;
use qrcode::render::svg;

/// Two bars for each name: what there is of one thing beside another. Values are for the eye only.
pub(super) fn pairs(title: &str, items: &[(String, f64, f64)]) -> String {
    const HEIGHT: f64 = 180.0;
    const EACH: f64 = 92.0;
    let most = items.iter().flat_map(|(_, one, two)| [*one, *two]).fold(1.0_f64, f64::max);
    let places = u32::try_from(items.len()).map_or(1.0, f64::from).max(1.0);
    let width = EACH.mul_add(places, 20.0);
    let mut svg = begin(title, width, HEIGHT + 28.0);
    let mut x = 14.0;
    for (name, one, two) in items {
        for (class, value, shift) in [("one", one, 0.0), ("two", two, 32.0)] {
            let height = value.max(0.0) / most * HEIGHT;
            let (left, top) = (x + shift, HEIGHT - height);
            let _ = write!(
                svg,
                r#"<rect class="{class}" x="{left:.1}" y="{top:.1}" width="28" height="{height:.1}" rx="2"/>"#
            );
        }
        let (middle, base) = (x + 30.0, HEIGHT + 18.0);
        let name = escaped(&name.chars().take(13).collect::<String>());
        let _ = write!(svg, r#"<text x="{middle:.1}" y="{base:.1}" text-anchor="middle">{name}</text>"#);
        x += EACH;
    }
    let _ = write!(svg, r#"<path class="axis" d="M0 {HEIGHT} H {width:.1}"/></svg>"#);
    svg
}

fn begin(title: &str, width: f64, height: f64) -> String {
    let title = escaped(title);
    format!(r#"<svg class="chart" viewBox="0 0 {width:.1} {height:.1}" role="img" aria-label="{title}">"#)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// A text as a QR code.
pub(super) fn qr(text: &str, label: &str) -> String {
    let Ok(code) = QrCode::new(text) else { return String::new() };
    let drawn = code.render::<svg::Color<'_>>().min_dimensions(180, 180).build();
    let begin = drawn.find("<svg").unwrap_or(0);
    let label = escaped(label);
    drawn[begin..].replacen("<svg", &format!(r#"<svg class="qr" role="img" aria-label="{label}""#), 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_their_share_of_the_highest() {
        let drawn = pairs("Points", &[("<KL>".to_owned(), 100.0, 50.0)]);
        assert!(drawn.contains(r#"height="180.0""#) && drawn.contains(r#"height="90.0""#), "{drawn}");
        assert!(drawn.contains("&lt;KL&gt;") && !drawn.contains("<KL>"));
    }

    #[test]
    fn a_qr_code_is_a_picture_with_a_name() {
        let drawn = qr("ABCD-EFGH", "Code");
        assert!(drawn.starts_with("<svg") && drawn.contains(r#"aria-label="Code""#));
    }
}
