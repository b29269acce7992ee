//! Consents to a program: given at enrolment or later, withdrawn, given again. Nothing of them is ever deleted; what stands
//! is worked out from all that was recorded.
//!
//! A consent is to one version of a text. A new version that is agreed to leaves the older one standing until it is
//! withdrawn; a program of which some consent was recorded, and none stands, writes to its member no more. A withdrawal
//! takes neither points nor the membership itself: ending that is a deed of its own.

use crate::entry::membership::Consent;
use crate::refusal::{Problem, Refusal};
use crate::time::Millis;

/// What was recorded of a consent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Said<'a> {
    /// To what, through which channel, when.
    pub consent: &'a Consent,
    /// Whether it was withdrawn.
    pub withdrawn: bool,
}

/// What recording one more thing comes to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Next {
    /// It is new.
    Record,
    /// This one of the history says it already.
    Known(usize),
}

/// The latest word on a text, by when it was said; of two at one time, the withdrawal.
fn latest(history: &[Said<'_>], text: &str) -> Option<usize> {
    let of = history.iter().enumerate().filter(|(_, said)| said.consent.text_version == text);
    of.max_by_key(|(place, said)| (said.consent.at, said.withdrawn, *place)).map(|(place, _)| place)
}

/// Whether one of what was recorded stands: it was given, and is the latest word on its text.
pub fn stands(history: &[Said<'_>], place: usize) -> bool {
    let Some(said) = history.get(place) else { return false };
    !said.withdrawn && latest(history, &said.consent.text_version) == Some(place)
}

/// Whether everything that was consented to was withdrawn. Where nothing is recorded, nothing was.
pub fn is_withdrawn(history: &[Said<'_>]) -> bool {
    !history.is_empty() && !(0..history.len()).any(|place| stands(history, place))
}

/// What it comes to that a consent is given, or withdrawn, now.
///
/// # Errors
/// `invalid_request` where its time is still to come, or earlier than the word that it would change;
/// `invalid_transition` where nothing was given that could be withdrawn.
pub fn next(history: &[Said<'_>], new: Said<'_>, now: Millis) -> Result<Next, Refusal> {
    let Consent { text_version: text, at, .. } = new.consent;
    if *at > now {
        return Err(Refusal::field("at", "Nobody has consented to anything in time to come."));
    }
    let Some((place, last)) = latest(history, text).and_then(|place| Some((place, history.get(place)?)))
    else {
        if !new.withdrawn {
            return Ok(Next::Record);
        }
        let detail = format!("No consent to text `{text}` is recorded: record the one that was given first.");
        return Err(Refusal::new(Problem::InvalidTransition, detail).at("text_version"));
    };
    if last.withdrawn == new.withdrawn {
        return Ok(Next::Known(place));
    }
    // of two words at one time the withdrawal is the later
    let later = if last.withdrawn { *at > last.consent.at } else { *at >= last.consent.at };
    if !later {
        let what = if last.withdrawn { "withdrawn" } else { "given" };
        let detail = format!(
            "Consent to text `{text}` was {what} at {}: what changes that is later.",
            last.consent.at.rfc3339()
        );
        return Err(Refusal::field("at", detail));
    }
    Ok(Next::Record)
}

#[cfg(test)]
mod tests {
    use super::{Next, Said, is_withdrawn, next, stands};
    use crate::entry::membership::Consent;
    use crate::ids::ProgramId;
    use crate::time::Millis;

    const NOW: Millis = Millis(1_000);

    fn consent(text: &str, at: u64) -> Consent {
        Consent {
            program: ProgramId(1),
            text_version: text.to_owned(),
            channel: "paper".to_owned(),
            at: Millis(at),
        }
    }

    /// What was said, in words: `3@100` is text 3 given at 100, `-3@200` withdrawn at 200.
    fn read(word: &str) -> (Consent, bool) {
        let (text, at) = word.trim_start_matches('-').split_once('@').expect("text and time");
        (consent(text, at.parse().expect("a time")), word.starts_with('-'))
    }

    fn said(words: &[(Consent, bool)]) -> Vec<Said<'_>> {
        words.iter().map(|(consent, withdrawn)| Said { consent, withdrawn: *withdrawn }).collect()
    }

    #[test]
    fn what_stands_is_the_latest_word_on_each_text() {
        let cases: [(&[&str], &[bool], bool); 7] = [
            (&[], &[], false),
            (&["3@100"], &[true], false),
            (&["3@100", "-3@200"], &[false, false], true),
            (&["3@100", "-3@200", "3@300"], &[false, false, true], false),
            // the order in which they were recorded says nothing
            (&["-3@200", "3@100"], &[false, false], true),
            (&["3@100", "4@200", "-3@300"], &[false, true, false], false),
            (&["3@100", "-3@100"], &[false, false], true),
        ];
        for (words, standing, withdrawn) in cases {
            let words: Vec<_> = words.iter().map(|word| read(word)).collect();
            let history = said(&words);
            let found: Vec<bool> = (0..history.len()).map(|place| stands(&history, place)).collect();
            assert_eq!(found, standing, "{words:?}");
            assert_eq!(is_withdrawn(&history), withdrawn, "{words:?}");
        }
    }

    /// What it comes to, or the field and code of the refusal.
    type Told = Result<Next, (String, String)>;

    #[test]
    fn what_is_recorded_next_is_new_known_or_refused() {
        let field = |field: &str, code: &str| Err((field.to_owned(), code.to_owned()));
        let cases: [(&[&str], &str, Told); 8] = [
            (&[], "3@900", Ok(Next::Record)),
            (&[], "-3@900", field("text_version", "invalid_transition")),
            (&["3@100"], "-4@900", field("text_version", "invalid_transition")),
            (&["3@100"], "3@900", Ok(Next::Known(0))),
            (&["3@100"], "-3@900", Ok(Next::Record)),
            (&["3@100", "-3@200"], "-3@900", Ok(Next::Known(1))),
            (&["3@100"], "-3@99", field("at", "invalid_request")),
            (&["3@100"], "-3@1001", field("at", "invalid_request")),
        ];
        for (words, new, wanted) in cases {
            let words: Vec<_> = words.iter().map(|word| read(word)).collect();
            let (consent, withdrawn) = read(new);
            let found = next(&said(&words), Said { consent: &consent, withdrawn }, NOW);
            let found = found.map_err(|refusal| {
                (refusal.field.clone().unwrap_or_default(), refusal.problem.code().to_owned())
            });
            assert_eq!(found, wanted, "{words:?} then {new}");
        }
    }
}
