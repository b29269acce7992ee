//! The rows as a table for people, and as CSV.

use std::fmt::Write as _;

use shared::entry::Authority;

use super::tally::Tally;
use super::{Found, Row};

/// A mean over runs, with one decimal place, by whole numbers.
fn mean(row: &Row, of: impl Fn(&Tally) -> i64) -> String {
    tenths(row.runs.iter().map(of).sum::<i64>(), row.runs.len())
}

fn tenths(sum: i64, count: usize) -> String {
    let count = i64::try_from(count).unwrap_or(1).max(1);
    let tenths = (sum.saturating_mul(10) + count / 2) / count;
    format!("{}.{}", tenths / 10, tenths % 10)
}

fn count(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The share of the redemptions with no line that were short, in percent, over all runs.
pub fn short_share(row: &Row) -> String {
    share(row.runs.iter().map(|run| run.overdrawn).sum(), row.runs.iter().map(Tally::offline).sum())
}

/// The share of the redemptions asked for with no line that were refused, in percent, over all runs.
pub fn refused_share(row: &Row) -> String {
    share(
        row.runs.iter().map(|run| run.refused_offline).sum(),
        row.runs.iter().map(|run| run.asked_offline).sum(),
    )
}

fn share(part: u64, all: u64) -> String {
    let Some(hundredths) = part.saturating_mul(10_000).checked_div(all) else { return "0.00".to_owned() };
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

const AUTHORITIES: [(Authority, &str); 5] = [
    (Authority::Online, "online"),
    (Authority::Reserved, "reserved"),
    (Authority::Offline, "offline"),
    (Authority::Late, "late"),
    (Authority::Forced, "forced"),
];

/// The rows as JSON: `rows`, each an object of the columns as decimal strings, and where a search was asked for `found`, the
/// row that it finds for each length of outage and each block, or `null`.
pub fn json(rows: &[Row], found: Option<&[Found]>) -> serde_json::Value {
    let object = |row: &Row| -> serde_json::Value {
        let columns = columns(row).into_iter().map(|(name, value)| (name.to_owned(), value.into()));
        serde_json::Value::Object(columns.collect())
    };
    let rows: Vec<serde_json::Value> = rows.iter().map(object).collect();
    let found = found.map(|found| -> Vec<serde_json::Value> {
        let told = |it: &Found| {
            serde_json::json!({
                "outage_hours": it.outage_hours.to_string(), "block": it.block.to_string(),
                "row": it.row.as_ref().map(object),
            })
        };
        found.iter().map(told).collect()
    });
    match found {
        Some(found) => serde_json::json!({"rows": rows, "found": found}),
        None => serde_json::json!({"rows": rows}),
    }
}

/// The columns of all forms, with a row's value.
pub fn columns(row: &Row) -> Vec<(&'static str, String)> {
    let mut columns = vec![
        ("outage_hours", row.outage_hours.to_string()),
        ("block", row.block.to_string()),
        ("setting", row.setting.clone()),
        ("asked", mean(row, |run| count(run.asked))),
        ("asked_offline", mean(row, |run| count(run.asked_offline))),
    ];
    for (authority, name) in AUTHORITIES {
        columns.push((name, mean(row, |run| count(run.allowed.get(&authority).copied().unwrap_or(0)))));
    }
    columns.extend([
        ("refused", mean(row, |run| count(run.refusals()))),
        ("refused_offline_percent", refused_share(row)),
        ("overdrawn", mean(row, |run| count(run.overdrawn))),
        ("overdrawn_offline_percent", short_share(row)),
        ("points_overdrawn", mean(row, |run| run.short().0)),
        ("member_debt", mean(row, |run| run.member_debt.0)),
        ("outlet", mean(row, |run| run.outlet.0)),
        ("program", mean(row, |run| run.program.0)),
        ("refused_by_reason", reasons(row)),
    ]);
    columns
}

/// What was refused, by reason.
fn reasons(row: &Row) -> String {
    let mut codes: Vec<&str> = row.runs.iter().flat_map(|run| run.refused.keys().copied()).collect();
    codes.sort_unstable();
    codes.dedup();
    let each = codes.iter().map(|code| {
        format!("{code} {}", mean(row, |run| count(run.refused.get(code).copied().unwrap_or(0))))
    });
    let each: Vec<String> = each.collect();
    if each.is_empty() { "-".to_owned() } else { each.join("; ") }
}

/// A table for people; names over values, figures to the right.
#[must_use]
pub fn text(rows: &[Row]) -> String {
    let heads = |name: &str| match name {
        "outage_hours" => "outage h".to_owned(),
        "refused_offline_percent" | "overdrawn_offline_percent" => "% of offline".to_owned(),
        "points_overdrawn" => "points".to_owned(),
        "member_debt" => "members owe".to_owned(),
        "outlet" => "outlets bear".to_owned(),
        "program" => "program bears".to_owned(),
        "refused_by_reason" => "refused, by reason".to_owned(),
        other => other.replace('_', " "),
    };
    let mut lines: Vec<Vec<String>> = Vec::new();
    for row in rows {
        let columns = columns(row);
        if lines.is_empty() {
            lines.push(columns.iter().map(|(name, _)| heads(name)).collect());
        }
        lines.push(columns.into_iter().map(|(_, value)| value).collect());
    }
    let widths: Vec<usize> = (0..lines.first().map_or(0, Vec::len))
        .map(|place| {
            lines
                .iter()
                .filter_map(|line| line.get(place))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for line in lines {
        let last = line.len().saturating_sub(1);
        for (place, (cell, width)) in line.iter().zip(&widths).enumerate() {
            // writing to a string does not fail
            let _ = match place {
                2 => write!(text, "{cell:<width$}  "),
                _ if place == last => writeln!(text, "{cell}"),
                _ => write!(text, "{cell:>width$}  "),
            };
        }
    }
    text
}

/// The same as CSV.
///
/// # Errors
/// The text cannot be made.
pub fn csv(rows: &[Row]) -> Result<String, String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for (place, row) in rows.iter().enumerate() {
        let columns = columns(row);
        if place == 0 {
            writer.write_record(columns.iter().map(|(name, _)| *name)).map_err(|error| error.to_string())?;
        }
        writer.write_record(columns.iter().map(|(_, value)| value)).map_err(|error| error.to_string())?;
    }
    let bytes = writer.into_inner().map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_and_shares_are_rounded_as_people_do() {
        assert_eq!([tenths(10, 4), tenths(1, 3), tenths(0, 4), tenths(7, 1)], ["2.5", "0.3", "0.0", "7.0"]);
        assert_eq!([share(1, 3), share(0, 0), share(5, 5)], ["33.33", "0.00", "100.00"]);
    }

    #[test]
    fn as_json_the_rows_have_the_columns_of_the_table_and_a_search_what_it_found() {
        let row = Row {
            setting: "trust".into(),
            block: 500,
            outage_hours: 24,
            runs: vec![Tally { asked: 3, ..Tally::default() }],
            sealed: true,
        };
        let rows = [row.clone()];
        let plain = json(&rows, None);
        for (name, value) in columns(&row) {
            assert_eq!(plain["rows"][0][name], value, "{name}");
        }
        assert_eq!((&plain["rows"][0]["asked"], plain.get("found")), (&serde_json::json!("3.0"), None));
        let found = |row| [Found { outage_hours: 24, block: 500, row }];
        let told = json(&rows, Some(&found(Some(row))));
        assert_eq!(told["found"][0]["row"], told["rows"][0]);
        assert_eq!(json(&rows, Some(&found(None)))["found"][0]["row"], serde_json::Value::Null);
    }
}
