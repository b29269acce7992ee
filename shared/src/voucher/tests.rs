use super::*;
use crate::money::Money;

fn myr() -> CurrencyCode {
    CurrencyCode::new("MYR").unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn voucher(benefit: Benefit) -> Voucher {
    Voucher {
        id: VoucherId(Uuid::from_u128(0x0199_e1f2_0000_7000_8a3c_0f5e_77d1_42b9)),
        membership: MembershipId(Uuid::from_u128(2)),
        program: ProgramId(1),
        reward: Code::new("five").unwrap(),
        name: "Five off".into(),
        benefit,
        uses: 2,
        from: Day(20_000),
        until: Day(20_030),
    }
}

fn five() -> Benefit {
    Benefit::Value(Money { amount: decimal("5.00"), currency: myr() })
}

#[test]
fn a_signed_code_is_read_with_its_servers_key_only_and_as_it_was_signed() {
    let key = SigningKey::from_bytes(&[7; 32]);
    let server = key.verifying_key().to_bytes();
    let most = Some(Money { amount: decimal("2.00"), currency: myr() });
    for benefit in [
        five(),
        Benefit::Percent { percent: decimal("12.5"), most },
        Benefit::Item(vec!["8801".into(), "8802".into()]),
    ] {
        let known = voucher(benefit);
        let code = known.signed(&key);
        assert!(code.len() < 300 && Voucher::is_code(&code), "{code}");
        assert_eq!(Voucher::of_signed(&code, &server), Some(known.clone()));
        assert_eq!(Voucher::of_signed(&format!(" {code}\n"), &server), Some(known.clone()));
        assert_eq!(Voucher::said_by(&code), Some(known.clone()));
        let other = SigningKey::from_bytes(&[8; 32]);
        assert_eq!(Voucher::of_signed(&code, &other.verifying_key().to_bytes()), None);
        assert_eq!(Voucher::of_signed(&known.signed(&other), &server), None);
        // every letter counts
        for place in SIGNED.prefix.len()..code.len() {
            let mut letters: Vec<char> = code.chars().collect();
            letters[place] = if letters[place] == 'A' { 'B' } else { 'A' };
            let changed: String = letters.into_iter().collect();
            assert_ne!(Voucher::of_signed(&changed, &server).map(|it| it.uses), Some(200), "{place}");
            let read = Voucher::of_signed(&changed, &server);
            assert!(read.is_none() || read == Some(known.clone()), "{place}: {read:?}");
        }
    }
    for text in ["", "TKV1.", "TKV1.AAAA", "V-123", "TKV1.!!!", "TKV2.AAAA"] {
        assert_eq!(Voucher::of_signed(text, &server), None, "{text}");
    }
}

#[test]
fn a_number_is_read_however_it_is_written() {
    let known = voucher(five());
    let number = known.number();
    assert_eq!(number.len(), 14);
    for text in [number.clone(), number.to_lowercase(), number.replace('-', " "), number.replace('0', "o")] {
        assert!(known.is_numbered(&text), "{text}");
    }
    let other = Voucher { id: VoucherId(Uuid::from_u128(1)), ..known.clone() };
    assert!(!known.is_numbered(&other.number()));
    assert_eq!(other.number(), "V-000000000001");
}

fn line(sku: &str, quantity: &str, price: &str) -> Line {
    Line {
        sku: sku.into(),
        category: None,
        brand: None,
        seller: None,
        quantity: decimal(quantity),
        unit_price: decimal(price),
        discount: Decimal::ZERO,
        tax: Decimal::ZERO,
    }
}

/// What is taken off each line, by hand.
#[test]
fn a_benefit_is_split_over_the_lines_to_the_last_cent() {
    let percent = |percent: &str, most: Option<&str>| Benefit::Percent {
        percent: decimal(percent),
        most: most.map(|most| Money { amount: decimal(most), currency: myr() }),
    };
    let item = |skus: &[&str]| Benefit::Item(skus.iter().map(|sku| (*sku).to_owned()).collect());
    let three = || vec![line("a", "1", "10.00"), line("b", "1", "10.00"), line("c", "1", "10.00")];
    for (benefit, lines, expected) in [
        // 5.00 over three equal lines: 1.66, 3.33 − 1.66, 5.00 − 3.33
        (five(), three(), ["1.66", "1.67", "1.67"]),
        // no more than there is
        (
            five(),
            vec![line("a", "1", "1.00"), line("b", "1", "0.50"), line("c", "1", "0.00")],
            ["1.00", "0.50", "0.00"],
        ),
        // 10% of 30.00
        (percent("10", None), three(), ["1.00", "1.00", "1.00"]),
        // up to 2.00: 0.66, 0.67, 0.67
        (percent("10", Some("2.00")), three(), ["0.66", "0.67", "0.67"]),
        // the barred line is as if it were not there
        (
            percent("10", None),
            vec![line("x", "1", "50.00"), line("b", "1", "9.99"), line("c", "1", "0.06")],
            ["0.00", "1.00", "0.01"],
        ),
        // one of two mugs at the dearer price
        (
            item(&["a", "b"]),
            vec![line("a", "2", "6.00"), line("b", "1", "7.50"), line("c", "1", "9.00")],
            ["0.00", "7.50", "0.00"],
        ),
        (
            item(&["a"]),
            vec![line("a", "2", "6.00"), line("b", "1", "7.50"), line("a", "1", "6.00")],
            ["6.00", "0.00", "0.00"],
        ),
        // half a coffee is no whole thing
        (
            item(&["a"]),
            vec![line("a", "0.5", "6.00"), line("b", "1", "7.50"), line("c", "1", "6.00")],
            ["0.00", "0.00", "0.00"],
        ),
        (item(&["z"]), three(), ["0.00", "0.00", "0.00"]),
    ] {
        let mut things = Things::of(&lines, myr());
        let off = benefit.off(&lines, &mut things, |line| line.sku == "x", myr());
        let expected: Vec<Decimal> = expected.iter().map(|text| decimal(text)).collect();
        assert_eq!(off, expected, "{benefit:?} {lines:?}");
    }
}

#[test]
fn nobody_owes_a_use() {
    use crate::catalog::Bearer;
    let policy = OverdraftPolicy {
        offline: vec![Bearer::Reverse, Bearer::MemberDebt(Points(300)), Bearer::Program],
        late: vec![Bearer::MemberDebt(Points(300)), Bearer::Outlet],
        forced: vec![Bearer::Outlet],
        review_over: Some(Points(0)),
        longest_wait_hours: 72,
        write_off_days: None,
    };
    let own = waterfall(&policy);
    assert_eq!(
        (own.offline, own.late, own.forced),
        (vec![Bearer::Program], vec![Bearer::Outlet], vec![Bearer::Outlet])
    );
    assert_eq!(own.review_over, None);
}

/// What item after item takes off the lines, by hand: until there is nothing left.
#[test]
fn each_thing_is_worth_its_own_price_and_is_taken_once() {
    let item = Benefit::Item(vec!["coffee".into(), "tea".into()]);
    for (lines, expected) in [
        // (place, what it takes off) one after the other
        (vec![line("coffee", "2", "4.50")], vec![(0, "4.50"), (0, "4.50")]),
        (vec![line("coffee", "4", "4.50")], vec![(0, "4.50"), (0, "4.50"), (0, "4.50"), (0, "4.50")]),
        // the dearest single things first, whatever is left of their line
        (
            vec![line("tea", "1", "3.00"), line("coffee", "2", "4.50"), line("z", "1", "9.00")],
            vec![(1, "4.50"), (1, "4.50"), (0, "3.00")],
        ),
        (vec![line("coffee", "1", "4.50"), line("coffee", "1", "5.00")], vec![(1, "5.00"), (0, "4.50")]),
        // 10.00 for three: 3.33, 6.66 − 3.33, 10.00 − 6.66
        (
            vec![Line { discount: decimal("0.50"), ..line("coffee", "3", "3.50") }],
            vec![(0, "3.33"), (0, "3.33"), (0, "3.34")],
        ),
        // one and a half are one whole thing: a third of 6.75 stays
        (vec![line("coffee", "1.5", "4.50")], vec![(0, "4.50")]),
        (vec![line("coffee", "0.5", "4.50"), line("tea", "1", "1.00")], vec![(1, "1.00")]),
        // what costs nothing is not worth a voucher
        (vec![line("coffee", "2", "0.00")], vec![]),
    ] {
        let (mut left, mut things) = (lines.clone(), Things::of(&lines, myr()));
        let mut taken = Vec::new();
        loop {
            let off = item.off(&left, &mut things, |_| false, myr());
            let Some(place) = off.iter().position(|off| !off.is_zero()) else { break };
            assert_eq!(off.iter().filter(|off| !off.is_zero()).count(), 1);
            left[place].discount += off[place];
            taken.push((place, off[place]));
        }
        let expected: Vec<_> = expected.iter().map(|(place, off)| (*place, decimal(off))).collect();
        assert_eq!(taken, expected, "{lines:?}");
    }
}
