//! Charts and QR codes as SVG from the server. Every chart stands beside its table: the picture says nothing alone.

use std::fmt::Write as _;

use qrcode::QrCode;
use qrcode::render::svg;

/// Two bars for each name: what there is of one thing beside another. Values are for the eye only.
pub(super) fn pairs(title: &str, items: &[(String, f64, f64)]) -> String {
    const HEIGHT: f64 = 180.0;
    const EACH: f64 = 128.0;
    let most = items.iter().flat_map(|(_, one, two)| [*one, *two]).fold(1.0_f64, f64::max);
    let places = u32::try_from(items.len()).map_or(1.0, f64::from).max(1.0);
    let width = EACH.mul_add(places, 20.0);
    let mut svg = begin(title, width, HEIGHT + 28.0);
    // the name below has as much room to the left as to the right
    let mut x = 36.0;
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
        let name = escaped(&short(name));
        let _ = write!(svg, r#"<text x="{middle:.1}" y="{base:.1}" text-anchor="middle">{name}</text>"#);
        x += EACH;
    }
    let _ = write!(svg, r#"<path class="axis" d="M0 {HEIGHT} H {width:.1}"/></svg>"#);
    svg
}

/// A chart over time: its least and greatest width, what a step of time takes of it, the height of its drawing, and what
/// stands above and below it.
const NARROW: f64 = 300.0;
const WIDE: f64 = 760.0;
const EACH: f64 = 64.0;
const HIGH: f64 = 168.0;
const ABOVE: f64 = 20.0;
const BELOW: f64 = 24.0;
/// Names that have room below it.
const NAMES: usize = 9;

/// The frame of a chart over time: its greatest value above, the base line, and as many names as have room; and the width of
/// a step.
fn over_time(title: &str, items: &[(String, f64)], most: f64) -> (String, f64) {
    let count = u32::try_from(items.len()).map_or(1.0, f64::from).max(1.0);
    let width = (EACH * count).clamp(NARROW, WIDE);
    let mut svg = begin(title, width, ABOVE + HIGH + BELOW);
    let base = ABOVE + HIGH;
    let told = shared::page::words::grouped(&format!("{most:.0}"));
    let _ = write!(
        svg,
        r#"<path class="axis" d="M0 {ABOVE} H {width} M0 {base} H {width}"/><text x="0" y="14">{told}</text>"#
    );
    let each = width / count;
    let nth = items.len().div_ceil(NAMES).max(1);
    let mut middle = each / 2.0;
    for (place, (name, _)) in items.iter().enumerate() {
        if place % nth == 0 {
            let (name, y) = (escaped(name), base + 17.0);
            // the first and the last keep within the picture
            let x = middle.clamp(24.0, width - 24.0);
            let _ = write!(svg, r#"<text x="{x:.1}" y="{y:.1}" text-anchor="middle">{name}</text>"#);
        }
        middle += each;
    }
    (svg, each)
}

fn greatest(items: &[(String, f64)]) -> f64 {
    items.iter().map(|(_, value)| *value).fold(1.0_f64, f64::max)
}

/// One bar for each step of time.
pub(super) fn bars(title: &str, items: &[(String, f64)]) -> String {
    let most = greatest(items);
    let (mut svg, each) = over_time(title, items, most);
    let wide = (each * 0.7).min(56.0);
    let mut middle = each / 2.0;
    for (_, value) in items {
        let height = value.max(0.0) / most * HIGH;
        let (left, top) = (middle - wide / 2.0, ABOVE + HIGH - height);
        let _ = write!(
            svg,
            r#"<rect class="one" x="{left:.1}" y="{top:.1}" width="{wide:.1}" height="{height:.1}" rx="2"/>"#
        );
        middle += each;
    }
    svg.push_str("</svg>");
    svg
}

/// Two bars for each step of time: what there was of one thing beside another.
pub(super) fn both(title: &str, items: &[(String, f64, f64)]) -> String {
    let most = items.iter().flat_map(|(_, one, two)| [*one, *two]).fold(1.0_f64, f64::max);
    let names: Vec<(String, f64)> = items.iter().map(|(name, one, _)| (name.clone(), *one)).collect();
    let (mut svg, each) = over_time(title, &names, most);
    let wide = (each * 0.38).min(28.0);
    let mut middle = each / 2.0;
    for (_, one, two) in items {
        for (class, value, left) in [("one", one, middle - wide), ("two", two, middle)] {
            let height = value.max(0.0) / most * HIGH;
            let top = ABOVE + HIGH - height;
            let _ = write!(
                svg,
                r#"<rect class="{class}" x="{left:.1}" y="{top:.1}" width="{wide:.1}" height="{height:.1}"/>"#
            );
        }
        middle += each;
    }
    svg.push_str("</svg>");
    svg
}

/// A line over time, on a base of zero; a step that stands alone is a dot.
pub(super) fn course(title: &str, items: &[(String, f64)]) -> String {
    let most = greatest(items);
    let (mut svg, each) = over_time(title, items, most);
    let (mut x, mut line, mut dots) = (each / 2.0, String::new(), String::new());
    for (place, (_, value)) in items.iter().enumerate() {
        let y = HIGH.mul_add(1.0 - value.max(0.0) / most, ABOVE);
        let letter = if place == 0 { 'M' } else { 'L' };
        let _ = write!(line, "{letter}{x:.1} {y:.1}");
        let _ = write!(dots, r#"<circle class="one" cx="{x:.1}" cy="{y:.1}" r="3"/>"#);
        x += each;
    }
    let _ = write!(svg, r#"<path class="line" d="{line}"/>"#);
    if items.len() <= DOTS {
        svg.push_str(&dots);
    }
    svg.push_str("</svg>");
    svg
}

/// Steps that each have a dot; more are a line alone.
const DOTS: usize = 31;

/// A bar that is filled by a share from 0 to 1.
pub(super) fn meter(label: &str, share: f64) -> String {
    let (label, done) = (escaped(label), share.clamp(0.0, 1.0) * 100.0);
    format!(
        r#"<svg class="meter" role="img" aria-label="{label}" viewBox="0 0 100 4" preserveAspectRatio="none"><rect class="track" width="100" height="4"/><rect class="one" width="{done:.1}" height="4"/></svg>"#
    )
}

/// Letters of a name that have room under its bars.
const LETTERS: usize = 15;

fn short(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        return name.to_owned();
    }
    let kept = name.chars().take(LETTERS.saturating_sub(1)).chain(['…']);
    kept.collect()
}

/// A small picture's width and height; it is stretched to its place.
const SPARK: (f64, f64) = (240.0, 40.0);

fn begin_spark(title: &str) -> String {
    let (title, (width, height)) = (escaped(title), SPARK);
    format!(
        r#"<svg class="spark" viewBox="0 0 {width} {height}" preserveAspectRatio="none" role="img" aria-label="{title}">"#
    )
}

/// A line over time, from the least value at the bottom to the greatest at the top. Nothing for fewer than two values.
pub(super) fn spark_line(title: &str, class: &str, values: &[f64]) -> String {
    let (Some(least), Some(most)) =
        (values.iter().copied().reduce(f64::min), values.iter().copied().reduce(f64::max))
    else {
        return String::new();
    };
    let steps = values.len().saturating_sub(1);
    let Some(each) = u32::try_from(steps).ok().filter(|steps| *steps > 0).map(|n| SPARK.0 / f64::from(n))
    else {
        return String::new();
    };
    let span = if most > least { most - least } else { 1.0 };
    let mut svg = begin_spark(title);
    let mut x = 0.0;
    let _ = write!(svg, r#"<path class="line {class}" d=""#);
    for (place, value) in values.iter().enumerate() {
        let y = (SPARK.1 - 4.0).mul_add(1.0 - (value - least) / span, 2.0);
        let letter = if place == 0 { 'M' } else { 'L' };
        let _ = write!(svg, "{letter}{x:.1} {y:.1}");
        x += each;
    }
    svg.push_str(r#""/></svg>"#);
    svg
}

/// Two bars for each step of time.
pub(super) fn spark_bars(title: &str, items: &[(f64, f64)]) -> String {
    let most = items.iter().flat_map(|(one, two)| [*one, *two]).fold(1.0_f64, f64::max);
    let each = SPARK.0 / u32::try_from(items.len()).map_or(1.0, f64::from).max(1.0);
    let mut svg = begin_spark(title);
    let mut x = 0.0;
    for (one, two) in items {
        for (class, value, shift) in [("one", one, 0.1_f64), ("two", two, 0.55)] {
            let height = value.max(0.0) / most * SPARK.1;
            let (left, top, wide) = (shift.mul_add(each, x), SPARK.1 - height, each * 0.4);
            let _ = write!(
                svg,
                r#"<rect class="{class}" x="{left:.1}" y="{top:.1}" width="{wide:.1}" height="{height:.1}"/>"#
            );
        }
        x += each;
    }
    svg.push_str("</svg>");
    svg
}

fn begin(title: &str, width: f64, height: f64) -> String {
    let title = escaped(title);
    format!(
        r#"<svg class="chart" viewBox="0 0 {width:.1} {height:.1}" width="{width:.0}" height="{height:.0}" role="img" aria-label="{title}">"#
    )
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
    fn bars_over_time_share_one_height_and_only_some_are_named() {
        let items: Vec<_> = (1..=30).map(|day| (format!("11-{day:02}"), f64::from(day))).collect();
        let drawn = bars("Points", &items);
        assert_eq!(drawn.matches("<rect").count(), 30);
        assert!(drawn.contains(r#"height="168.0""#) && drawn.contains(">30</text>"), "{drawn}");
        // every fourth
        assert!(
            drawn.contains(">11-01<") && drawn.contains(">11-05<") && !drawn.contains(">11-02<"),
            "{drawn}"
        );
    }

    #[test]
    fn two_bars_of_a_step_share_one_height_with_all_others() {
        let drawn = both("Moved", &[("a".into(), 100.0, 50.0), ("b".into(), 0.0, 25.0)]);
        assert_eq!(drawn.matches("<rect").count(), 4);
        assert!(drawn.contains(r#"height="168.0""#) && drawn.contains(r#"height="42.0""#), "{drawn}");
    }

    #[test]
    fn a_course_stands_on_zero() {
        let drawn = course("Owed", &[("a".into(), 100.0), ("b".into(), 25.0)]);
        assert!(drawn.contains(r#"d="M75.0 20.0L225.0 146.0""#), "{drawn}");
        assert!(course("Owed", &[]).ends_with("</svg>"));
    }

    #[test]
    fn a_long_name_says_that_it_goes_on() {
        assert_eq!(short("kl-central"), "kl-central");
        assert_eq!(short("standard-rewards-club"), "standard-rewar…");
    }

    #[test]
    fn a_small_line_goes_from_its_least_to_its_greatest_value() {
        let drawn = spark_line("Owed", "warn", &[10.0, 30.0, 20.0]);
        assert!(drawn.contains(r#"class="line warn" d="M0.0 38.0L120.0 2.0L240.0 20.0""#), "{drawn}");
        assert_eq!(spark_line("Owed", "", &[1.0]), "", "one value has no course");
        let flat = spark_line("Owed", "", &[5.0, 5.0]);
        assert!(flat.contains("M0.0 38.0L240.0 38.0"), "{flat}");
    }

    #[test]
    fn small_bars_share_one_height() {
        let drawn = spark_bars("Points", &[(4.0, 2.0), (0.0, -1.0)]);
        assert_eq!(drawn.matches("<rect").count(), 4);
        assert!(drawn.contains(r#"height="40.0""#) && drawn.contains(r#"height="20.0""#), "{drawn}");
        assert!(!drawn.contains(r#"height="-"#), "{drawn}");
    }

    #[test]
    fn a_qr_code_is_a_picture_with_a_name() {
        let drawn = qr("ABCD-EFGH", "Code");
        assert!(drawn.starts_with("<svg") && drawn.contains(r#"aria-label="Code""#));
    }
}
