//! Which language a page speaks: asked for by name, else by what the browser prefers.

/// A language that the pages speak.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Malay.
    Malay,
    /// Arabic, from right to left.
    Arabic,
}

impl Language {
    /// All of them, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::English, Self::Malay, Self::Arabic];

    /// Its tag, such as `ms`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Malay => "ms",
            Self::Arabic => "ar",
        }
    }

    /// The locale that numbers and dates are written in. Figures stay those of the receipt.
    pub fn locale(self) -> &'static str {
        match self {
            Self::English => "en-GB",
            Self::Malay => "ms-MY",
            Self::Arabic => "ar-u-nu-latn",
        }
    }

    /// Its own name.
    pub fn name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::Malay => "Bahasa Melayu",
            Self::Arabic => "العربية",
        }
    }

    /// `ltr` or `rtl`.
    pub fn direction(self) -> &'static str {
        if self == Self::Arabic { "rtl" } else { "ltr" }
    }

    /// A language by its tag.
    pub fn by_tag(tag: &str) -> Option<Self> {
        let main = tag.split(['-', '_']).next().unwrap_or(tag);
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(main))
    }

    /// The first of `Accept-Language` that there is; they are sorted by preference in practice.
    pub fn accepted(header: &str) -> Self {
        let mut tags = header.split(',').map(|part| part.split(';').next().unwrap_or(part).trim());
        tags.find_map(Self::by_tag).unwrap_or_default()
    }

    /// Which plural a number takes, by the rules of CLDR for whole numbers.
    pub fn plural(self, n: u64) -> &'static str {
        match (self, n) {
            (Self::English | Self::Arabic, 1) => "one",
            (Self::Arabic, 0) => "zero",
            (Self::Arabic, 2) => "two",
            (Self::Arabic, n) if (3..=10).contains(&(n % 100)) => "few",
            (Self::Arabic, n) if (11..=99).contains(&(n % 100)) => "many",
            _ => "other",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_language_that_there_is_is_taken() {
        let cases = [
            ("ms-MY,ms;q=0.9,en;q=0.8", Language::Malay),
            ("de,ar;q=0.5", Language::Arabic),
            ("fr", Language::English),
            ("", Language::English),
        ];
        for (header, language) in cases {
            assert_eq!(Language::accepted(header), language, "{header}");
        }
    }

    #[test]
    fn plurals_are_those_of_the_language() {
        let arabic =
            [(0, "zero"), (1, "one"), (2, "two"), (7, "few"), (11, "many"), (100, "other"), (103, "few")];
        for (n, plural) in arabic {
            assert_eq!(Language::Arabic.plural(n), plural, "{n}");
        }
        assert_eq!((Language::English.plural(1), Language::English.plural(2)), ("one", "other"));
        assert_eq!(Language::Malay.plural(1), "other");
    }
}
