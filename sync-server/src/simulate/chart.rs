//! The rows as a chart in SVG: for each setting, what it refuses beside what it loses.

use std::fmt::Write as _;

use super::Row;
use super::table::{refused_share, short_share};

/// Colours, both themes, and type: the pages' own.
const STYLE: &str = "
  .page { fill: #f6f5f2 } .ink { fill: #1d1b17 } .quiet { fill: #5d584e } .line { stroke: #dcd8d0 }
  .refused { fill: #8a5300 } .short { fill: #a3231f }
  text { font-family: system-ui, sans-serif; font-size: 13px; font-variant-numeric: tabular-nums }
  .title { font-size: 18px } .end { text-anchor: end }
  @media (prefers-color-scheme: dark) {
    .page { fill: #141513 } .ink { fill: #f0eee8 } .quiet { fill: #b5b1a6 } .line { stroke: #33362f }
    .refused { fill: #f2bd62 } .short { fill: #ff8d86 }
  }";
/// Where bars begin, and how long one of 100% is.
const BARS: (u32, u32) = (340, 400);
/// The page's width.
const WIDTH: u32 = 840;

/// Hundredths of a percent in a share as text.
fn hundredths(share: &str) -> u32 {
    share.replace('.', "").parse().unwrap_or(0)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// The chart. Colour says nothing alone: the legend and each bar's own words say it too.
#[must_use]
pub fn svg(rows: &[Row]) -> String {
    let mut body = String::new();
    let mut y = 72;
    let mut group = None;
    for row in rows {
        if group != Some((row.outage_hours, row.block)) {
            group = Some((row.outage_hours, row.block));
            y += 16;
            let _ = writeln!(
                body,
                "<text class=\"ink\" x=\"24\" y=\"{y}\">Outages of {} h, {} points a visit</text>",
                row.outage_hours, row.block
            );
            y += 12;
        }
        let _ = writeln!(
            body,
            "<text class=\"ink end\" x=\"{}\" y=\"{}\">{}</text>",
            BARS.0 - 12,
            y + 20,
            escaped(&row.setting)
        );
        for (class, word, share) in
            [("refused", "refused", refused_share(row)), ("short", "short", short_share(row))]
        {
            let length = hundredths(&share) * BARS.1 / 10_000;
            let _ = writeln!(
                body,
                "<rect class=\"{class}\" x=\"{}\" y=\"{y}\" width=\"{}\" height=\"12\" rx=\"2\"/>\
                 <text class=\"quiet\" x=\"{}\" y=\"{}\">{share}% {word}</text>",
                BARS.0,
                length.max(1),
                BARS.0 + length + 8,
                y + 11
            );
            y += 16;
        }
        y += 8;
        let _ = writeln!(body, "<path class=\"line\" d=\"M24 {y}H{}\"/>", WIDTH - 24);
        y += 8;
    }
    let height = y + 16;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" aria-label=\"What each setting of the dial refuses and loses\">\n\
         <style>{STYLE}\n</style>\n<rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\"/>\n\
         <text class=\"ink title\" x=\"24\" y=\"36\">Redemptions with no line: refused, and short at settlement</text>\n\
         <text class=\"quiet\" x=\"24\" y=\"58\">Of those asked for, in percent; of those let through, in percent</text>\n\
         {body}</svg>\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::simulate::tally::Tally;

    #[test]
    fn bars_are_as_long_as_their_shares_and_names_are_escaped() {
        let run = Tally { asked_offline: 4, refused_offline: 2, overdrawn: 1, ..Tally::default() };
        let row = Row { setting: "a<b".into(), block: 500, outage_hours: 4, runs: vec![run], sealed: true };
        let chart = svg(&[row]);
        assert!(chart.contains("a&lt;b") && !chart.contains("a<b"));
        // half of those asked, half of the two let through
        assert_eq!(chart.matches("width=\"200\" height=\"12\"").count(), 2, "{chart}");
        assert!(chart.contains("50.00% refused") && chart.contains("50.00% short"));
    }
}
