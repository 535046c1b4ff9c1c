//! What people and programs write in one line: versions, constraints, package URLs, references, digests,
//! platforms, image ids, queries, conditions.
//!
//! Beside: every order is one (equal to itself, antisymmetric, transitive), a constraint and its complement
//! part all versions, and whatever is read is written in a form that reads the same.

use std::cmp::Ordering;

use cleanbill_hub::Query;
use cleanbill_match::FailOn;
use cleanbill_model::{Digest, Platform, Purl, Reference, RuntimeImageId};
use cleanbill_version::{Constraint, Scheme};

use crate::{Target, text, texts};

pub(crate) fn targets() -> Vec<Target> {
    vec![
        Target::new("version", 25_000, VERSION, version_seeds, versions),
        Target::new("constraint", 20_000, CONSTRAINT, constraint_seeds, constraint),
        Target::new("purl", 40_000, PURL, purl_seeds, purl),
        Target::new("reference", 40_000, REFERENCE, reference_seeds, reference),
        Target::new("digest", 40_000, REFERENCE, digest_seeds, digest),
        Target::new("platform", 40_000, &["/", "linux", "arm64", "v8", "("], platform_seeds, platform),
        Target::new("image-id", 40_000, REFERENCE, image_id_seeds, |bytes| drop(RuntimeImageId::parse(&text(bytes)))),
        Target::new("query", 40_000, CONSTRAINT, query_seeds, |bytes| drop(Query::parse(&text(bytes)))),
        Target::new("fail-on", 40_000, &[",", "kev", "epss", ">=", "high", "fixed"], fail_on_seeds, |bytes| {
            drop(FailOn::parse(&text(bytes)));
        }),
    ]
}

const VERSION: &[&str] = &[
    ".",
    "-",
    "~",
    "^",
    "+",
    "_",
    ":",
    "!",
    "v",
    "rc",
    "alpha",
    "post",
    "dev",
    "_p",
    "-r1",
    "+incompatible",
    "SNAPSHOT",
    "ga",
    "final",
    "00",
    ".el9",
    "git",
    "99999999999999999999",
    "\u{661}",
];
const CONSTRAINT: &[&str] = &[
    ">", "<", ">=", "<=", "=", "==", "!=", "~>", "~", "^", "~=", "===", "||", "|", ",", " - ", "*", ".x", ".*", "[",
    "]", "(", ")", "@dev", " ", "1.2",
];
const PURL: &[&str] =
    &["pkg:", "/", "//", "@", "?", "#", "&", "=", "%40", "%2F", "%", "%e", "%ff", "+", ":", "npm", "deb", "..", "."];
const REFERENCE: &[&str] = &[
    "/",
    ":",
    "@",
    "sha256:",
    "sha512:",
    "docker.io",
    "localhost",
    "[::1]",
    ":5000",
    "library/",
    "_",
    "__",
    "-",
    ".",
    "://",
];

fn version_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "0\n1:1.2.3-4ubuntu5~rc1+b1\n1.2.3-4\n1.2.3-4.1",
        "1\n1:1.2^git3-4.el9_1\n1.2~rc1-1\n1.2-1",
        "2\n1.2.3a_rc1_p2-r4\n1.2.3_alpha-r0\n1.2.3_git20200101",
        "4\n1.2.3-alpha-1-SNAPSHOT\n1.2.ga\n1.2-sp-1",
        "5\nv1.2.3-0.20200101000000-abcdefabcdef\nv1.2.3+incompatible\ngo1.20rc1",
        "8\n1!2.0rc1.post2.dev3+ubuntu.1\n2.0-1\n2.0c1",
        "9\n1.2.3.pre.1\n1.2.3.a\n1.2.3-java",
        "11\ndev-master\nv1.2.3-RC1\n1.2.x-dev",
        "14\n1.2.3+4\n1.2.3+3.a\n1.2.3-a",
    ])
}

fn versions(bytes: &[u8]) {
    let text = text(bytes);
    let mut lines = text.splitn(4, '\n');
    let scheme = lines
        .next()
        .unwrap_or_default()
        .bytes()
        .fold(0usize, |n, b| n.wrapping_mul(10).wrapping_add((b & 15) as usize));
    let scheme = Scheme::ALL[scheme % Scheme::ALL.len()];
    let (a, b, c) =
        (lines.next().unwrap_or_default(), lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    // The same text in another place is not equal for being the same text alone.
    let (ab, ba) = (scheme.compare(a, b), scheme.compare(b, a));
    assert_eq!(ab, ba.reverse(), "{}: {a:?} and {b:?}", scheme.name());
    let (bc, ac) = (scheme.compare(b, c), scheme.compare(a, c));
    if ab == bc || bc == Ordering::Equal {
        assert_eq!(ac, ab, "{}: {a:?}, {b:?} and {c:?}", scheme.name());
    } else if ab == Ordering::Equal {
        assert_eq!(ac, bc, "{}: {a:?}, {b:?} and {c:?}", scheme.name());
    }
    scheme.is_valid(a);
}

fn constraint_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "7\n1.2.3\n>=1.2 <2 || ^3.0.1 || 1.x - 2.*",
        "6\n1.2.3\n>= 1.2, < 2",
        "8\n1.2.3\n~=1.4.2, !=1.5.*, ===2.0, <3",
        "9\n1.2.3\n~> 2.0.9, != 2.1",
        "11\n1.2.3\n>=1.0,<1.2|^2.0-beta@dev||~3.1",
        "4\n1.2.3\n[1.0,2.0),(3.0,),[4.5]",
        "10\n1.2.3\n(1.0, 2.0.0.1]",
        "14\n1.2.3\n>=1.2.3-dev <2.0.0 any",
    ])
}

fn constraint(bytes: &[u8]) {
    let text = text(bytes);
    let mut lines = text.splitn(3, '\n');
    let scheme = lines
        .next()
        .unwrap_or_default()
        .bytes()
        .fold(0usize, |n, b| n.wrapping_mul(10).wrapping_add((b & 15) as usize));
    let scheme = Scheme::ALL[scheme % Scheme::ALL.len()];
    let (version, constraint) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default());
    let Ok(set) = Constraint::parse(scheme, constraint) else { return };
    let rest = set.complement();
    assert_ne!(set.contains(version), rest.contains(version), "{}: {version:?} in {constraint:?}", scheme.name());
    assert_eq!(rest.complement(), set, "{}: {constraint:?}", scheme.name());
    assert!(set.intersection(&rest).is_empty(), "{}: {constraint:?}", scheme.name());
}

fn purl_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "pkg:npm/%40scope/name@1.2.3?a=b&checksum=sha1:0,sha256:1#sub/path",
        "pkg:deb/debian/libc6@1:2.36-9%2Bdeb12u1?arch=amd64&distro=debian-12",
        "pkg:golang/github.com/a/b/v2@v2.0.0#cmd/x",
        "pkg:oci/app@sha256%3Ae3b0?repository_url=ghcr.io/o/app&tag=1",
        "pkg://pypi/Some_Name@1",
    ])
}

fn purl(bytes: &[u8]) {
    let Ok(purl) = Purl::parse(&text(bytes)) else { return };
    // Escapes may make it longer than what is read.
    if purl.is_too_long() {
        return;
    }
    let shown = purl.to_string();
    let again = Purl::parse(&shown).unwrap_or_else(|e| panic!("{shown:?} is no package URL: {e}"));
    assert_eq!(again, purl, "{shown:?}");
}

fn reference_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "nginx",
        "registry.example:5000/a/b__c/d-e:v1.2_x@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "docker.io/library/nginx:latest",
        "localhost/x",
        "[2001:db8::1]:80/a",
    ])
}

fn reference(bytes: &[u8]) {
    let Ok(reference) = Reference::parse(&text(bytes)) else { return };
    let shown = reference.to_string();
    let again = Reference::parse(&shown).unwrap_or_else(|e| panic!("{shown:?} is no reference: {e}"));
    assert_eq!(again, reference, "{shown:?}");
    let _ = reference.with_tag("other");
}

fn digest_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
    ])
}

fn digest(bytes: &[u8]) {
    let text = text(bytes);
    if let Ok(digest) = Digest::parse(&text) {
        assert_eq!(digest.to_string(), text, "a digest has one form");
    }
}

fn platform_seeds() -> Vec<Vec<u8>> {
    texts(&["linux/amd64", "linux/arm/v7", "windows(10.0.17763)/amd64"])
}

fn platform(bytes: &[u8]) {
    let Some(platform) = Platform::parse(&text(bytes)) else { return };
    let shown = platform.to_string();
    assert_eq!(Platform::parse(&shown).as_ref(), Some(&platform), "{shown:?}");
    assert!(platform.serves(&platform), "{shown:?} does not serve itself");
}

fn image_id_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "docker-pullable://nginx@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "docker://sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "docker.io/library/nginx@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ])
}

fn query_seeds() -> Vec<Vec<u8>> {
    texts(&[
        "CVE-2021-44228",
        "log4j-core >= 2.0, < 2.17.1",
        "pkg:maven/org.example/lib@1",
        "nginx@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "openssl@3.0.7-1",
    ])
}

fn fail_on_seeds() -> Vec<Vec<u8>> {
    texts(&["high", "critical,fixed", "kev", "epss>=0.5", "negligible"])
}
