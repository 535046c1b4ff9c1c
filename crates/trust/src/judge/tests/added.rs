//! Whatever somebody adds who has no key of ours: nothing unsigned becomes signed, nothing signed is
//! hidden (A16, A17, A23).

use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

static VALID: LazyLock<Vec<Content>> = LazyLock::new(|| {
    let payload = simple::payload("r.example/app", &image(), &BTreeMap::new()).unwrap();
    let signature = STANDARD.encode(KEY.sign(&payload).unwrap());
    vec![Content::Bundle(signed_by(&KEY, &image())), Content::Simple { payload, signature, log_entry: false }]
});

/// Things with which others may start: ours about another image, theirs about this one, attestations.
static FOREIGN: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let sbom = statement("https://cyclonedx.org/bom", "{}");
    vec![
        signed_by(&OTHER, &image()),
        signed_by(&KEY, &Digest::sha256(b"another image")),
        bundle_over(&OTHER, &sbom),
        bundle_over(&KEY, &statement("https://sigstore.dev/cosign/sign/v1", "[]")),
        bundle_over(&KEY, &sbom),
        signed_by(&KEY, &image()),
    ]
});

/// One thing that anybody can attach. Of a bundle of ours something is changed.
fn added() -> impl Strategy<Value = Content> {
    let bytes = proptest::collection::vec(any::<u8>(), 0..64);
    prop_oneof![
        (0..5_usize).prop_map(|n| Content::Bundle(FOREIGN[n].clone())),
        (0..FOREIGN.len(), any::<prop::sample::Index>(), 1..=255_u8).prop_filter_map(
            "it is as it was",
            |(n, at, bit)| {
                let mut bundle = FOREIGN[n].clone();
                let at = at.index(bundle.len());
                bundle[at] ^= bit;
                // The hint says whose it is for people, and is not signed.
                let hint = String::from_utf8_lossy(&FOREIGN[n]).find("hint").unwrap();
                (!(hint..hint + 60).contains(&at)).then_some(Content::Bundle(bundle))
            }
        ),
        (0..FOREIGN.len(), any::<prop::sample::Index>())
            .prop_map(|(n, end)| Content::Bundle(FOREIGN[n][..end.index(FOREIGN[n].len())].to_vec())),
        bytes.clone().prop_map(Content::Bundle),
        bytes.clone().prop_map(Content::Envelope),
        (bytes, ".{0,20}").prop_map(|(payload, signature)| Content::Simple { payload, signature, log_entry: true }),
        Just(()).prop_map(|()| {
            let payload = simple::payload("r.example/app", &image(), &BTreeMap::new()).unwrap();
            let signature = STANDARD.encode(OTHER.sign(&payload).unwrap());
            Content::Simple { payload, signature, log_entry: false }
        }),
        ".{0,20}".prop_map(Content::Malformed),
        ".{0,20}".prop_map(Content::Other),
        ".{0,20}".prop_map(Content::Unread),
    ]
}

fn signed(contents: Vec<Content>) -> usize {
    let evidence = judge(&collected(contents), &[KEY.public()], Demands::default());
    evidence.signatures.iter().filter(|record| !record.verified_by.is_empty()).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn a16_a17_a23_what_anybody_adds_neither_signs_nor_hides(
        added in proptest::collection::vec(added(), 0..8),
        which in 0..2_usize,
        at in any::<prop::sample::Index>(),
    ) {
        prop_assert_eq!(signed(added.clone()), 0);
        let mut with = added.clone();
        with.insert(at.index(added.len() + 1), VALID[which].clone());
        prop_assert_eq!(signed(with), 1);
        let theirs = |s: &Stated| s.keys != [KEY.public().id()];
        prop_assert!(!statements(&collected(added), &[KEY.public()], &[]).iter().any(theirs));
    }
}
