//! Changed cases: what somebody may try who has valid bundles, and no key. The same in every run.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE};
use serde_json::{Map, Value, json};

use super::cases::Case;

/// A sequence of numbers by a seed (splitmix64).
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// `count` different changed cases, none of which is one of `cases`.
pub(crate) fn mutants(cases: &[Case], seed: u64, count: usize) -> Vec<Case> {
    let mut dice = Dice::new(seed);
    let mut seen: std::collections::HashSet<Case> =
        cases.iter().map(|c| Case { name: String::new(), ..c.clone() }).collect();
    let (good, all): (Vec<&Case>, Vec<&Case>) = (cases.iter().filter(|c| c.good()).collect(), cases.iter().collect());
    let mut made = Vec::with_capacity(count);
    while made.len() < count {
        // Three of four begin with what verifies: only there has a change something to break.
        let base = *if dice.below(4) == 0 { dice.of(&all) } else { dice.of(&good) };
        let mut mutant = base.clone();
        for _ in 0..=dice.below(2) {
            change(&mut mutant, &all, &mut dice);
        }
        mutant.name = String::new();
        if seen.insert(mutant.clone()) {
            mutant.name = format!("{} of {}", made.len(), base.name);
            made.push(mutant);
        }
    }
    made
}

fn change(mutant: &mut Case, all: &[&Case], dice: &mut Dice) {
    match dice.below(24) {
        0 => mutant.root = dice.of(all).root.clone(),
        1 => mutant.key = dice.of(all).key.clone(),
        2 => mutant.artifact = dice.of(all).artifact.clone(),
        3 => {
            mutant.identity =
                [String::new(), mutant.identity.to_uppercase(), format!("{}x", mutant.identity)][dice.below(3)].clone();
        }
        4 => mutant.issuer = [String::new(), format!("{}/", mutant.issuer)][dice.below(2)].clone(),
        5 => mutant.bundle = dice.of(all).bundle.clone(),
        6 => flip(&mut mutant.bundle, dice),
        _ => {
            let Ok(mut bundle) = serde_json::from_slice::<Value>(&mutant.bundle) else { return };
            let mut text = None;
            match dice.below(4) {
                0 => from_another(&mut bundle, all, dice),
                1 => text = Some(written_otherwise(&mut bundle, dice)),
                _ => within(&mut bundle, dice),
            }
            mutant.bundle = text.unwrap_or_else(|| bundle.to_string()).into_bytes();
        }
    }
}

fn flip(bytes: &mut [u8], dice: &mut Dice) {
    if !bytes.is_empty() {
        let at = dice.below(bytes.len());
        bytes[at] ^= 1 << dice.below(8);
    }
}

/// All places of a document.
fn places(value: &Value, at: String, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                places(inner, format!("{at}/{}", key.replace('~', "~0").replace('/', "~1")), out);
            }
        }
        Value::Array(list) => {
            for (n, inner) in list.iter().enumerate() {
                places(inner, format!("{at}/{n}"), out);
            }
        }
        _ => {}
    }
    if !at.is_empty() {
        out.push(at);
    }
}

fn some_place(bundle: &Value, dice: &mut Dice) -> String {
    let mut all = Vec::new();
    places(bundle, String::new(), &mut all);
    if all.is_empty() { String::new() } else { dice.of(&all).clone() }
}

/// Something stands where another case has it: proofs, certificates, entries, signatures.
fn from_another(bundle: &mut Value, all: &[&Case], dice: &mut Dice) {
    let Ok(other) = serde_json::from_slice::<Value>(&dice.of(all).bundle) else { return };
    let place = some_place(bundle, dice);
    let Some(theirs) = other.pointer(&place).cloned() else { return };
    match (bundle.pointer_mut(&place), theirs, dice.below(3)) {
        (Some(Value::Array(ours)), Value::Array(theirs), 0) => ours.extend(theirs),
        (Some(Value::Object(ours)), Value::Object(theirs), 0) => ours.extend(theirs),
        (Some(ours), theirs, _) => *ours = theirs,
        (None, ..) => {}
    }
}

/// The same document, or nearly so, in another form.
fn written_otherwise(bundle: &mut Value, dice: &mut Dice) -> String {
    let place = some_place(bundle, dice);
    let key = place.rsplit('/').next().unwrap_or_default().to_owned();
    let Some(value) = bundle.pointer(&place).cloned() else { return bundle.to_string() };
    match dice.below(6) {
        0 | 1 => {
            let second = if dice.below(2) == 0 {
                value.clone()
            } else {
                [Value::Null, json!(""), json!([])][dice.below(3)].clone()
            };
            if let Some(there) = bundle.pointer_mut(&place) {
                *there = json!("@@");
            }
            let (first, second) = if dice.below(2) == 0 { (value, second) } else { (second, value) };
            bundle.to_string().replace(&format!("\"{key}\":\"@@\""), &format!("\"{key}\":{first},\"{key}\":{second}"))
        }
        2 => bundle.to_string().replace(&format!("\"{key}\":"), &format!("\"{}\":", snake(&key))),
        3 => bundle.to_string().replace(&format!("\"{key}\":"), &format!("\"{}\":", key.to_uppercase())),
        4 => bundle.to_string() + ["{}", " ", "\n", "null", "\0"][dice.below(5)],
        _ => serde_json::to_string_pretty(bundle).unwrap_or_default(),
    }
}

fn snake(key: &str) -> String {
    key.chars().flat_map(|c| if c.is_ascii_uppercase() { vec!['_', c.to_ascii_lowercase()] } else { vec![c] }).collect()
}

/// A change that needs no other case.
fn within(bundle: &mut Value, dice: &mut Dice) {
    let place = some_place(bundle, dice);
    let Some((parent, key)) = place.rsplit_once('/') else { return };
    match dice.below(6) {
        0 => match bundle.pointer_mut(parent) {
            Some(Value::Object(map)) => drop(map.remove(key)),
            Some(Value::Array(list)) => {
                if let Ok(n) = key.parse::<usize>() {
                    list.remove(n);
                }
            }
            _ => {}
        },
        1 => match bundle.pointer_mut(parent) {
            Some(Value::Array(list)) => {
                let copy = list[dice.below(list.len())].clone();
                list.push(copy);
            }
            Some(Value::Object(map)) => drop(map.insert("more".to_owned(), json!({}))),
            _ => {}
        },
        2 => {
            let other = some_place(bundle, dice);
            let (Some(a), Some(b)) = (bundle.pointer(&place).cloned(), bundle.pointer(&other).cloned()) else { return };
            if let Some(there) = bundle.pointer_mut(&place) {
                *there = b;
            }
            if let Some(there) = bundle.pointer_mut(&other) {
                *there = a;
            }
        }
        3 => {
            if let Some(there) = bundle.pointer_mut(&place) {
                *there = [Value::Null, json!(""), json!({}), json!([]), json!(-1), json!(true)][dice.below(6)].clone();
            }
        }
        _ => {
            if let Some(there) = bundle.pointer_mut(&place) {
                scalar(there, key, dice);
            }
        }
    }
}

const MEDIA_TYPES: [&str; 6] = [
    "application/vnd.dev.sigstore.bundle+json;version=0.1",
    "application/vnd.dev.sigstore.bundle+json;version=0.2",
    "application/vnd.dev.sigstore.bundle+json;version=0.3",
    "application/vnd.dev.sigstore.bundle.v0.3+json",
    "application/vnd.dev.sigstore.bundle.v0.3.1+json",
    "application/vnd.dev.sigstore.bundle.v0.2+json",
];

fn scalar(value: &mut Value, key: &str, dice: &mut Dice) {
    let Value::String(text) = value else {
        if let Value::Object(map) = value {
            reorder(map, dice);
        }
        return;
    };
    if key == "mediaType" {
        *value = json!(dice.of(&MEDIA_TYPES));
    } else if key == "envelope" {
        *text = lines(text, dice);
    } else if let Ok(number) = text.parse::<i64>() {
        *value = match dice.below(7) {
            0 => json!(number),
            1 => json!((number + 1).to_string()),
            2 => json!((number - 1).to_string()),
            3 => json!(format!("0{number}")),
            4 => json!(format!("-{number}")),
            5 => json!("9223372036854775807"),
            _ => json!("0"),
        };
    } else if let Ok(mut bytes) = STANDARD.decode(&*text) {
        *text = match dice.below(9) {
            0 => URL_SAFE.encode(&bytes),
            1 => STANDARD_NO_PAD.encode(&bytes),
            2 => format!("{text}\n"),
            3 => STANDARD.encode(&bytes[..bytes.len() - bytes.len().min(1)]),
            4 => STANDARD.encode([&bytes[..], &[0]].concat()),
            5 => inner_json(&bytes, dice).unwrap_or_else(|| text.to_lowercase()),
            _ => {
                flip(&mut bytes, dice);
                STANDARD.encode(&bytes)
            }
        };
    } else {
        *text = [text.to_uppercase(), format!("{text} "), text.chars().rev().collect(), "0.0.2".to_owned()]
            [dice.below(4)]
        .clone();
    }
}

fn reorder(map: &mut Map<String, Value>, dice: &mut Dice) {
    let mut entries: Vec<(String, Value)> = std::mem::take(map).into_iter().collect();
    let n = dice.below(entries.len());
    entries.rotate_left(n);
    map.extend(entries);
}

/// A body or payload that is JSON itself, changed inside and put back.
fn inner_json(bytes: &[u8], dice: &mut Dice) -> Option<String> {
    let mut inner: Value = serde_json::from_slice(bytes).ok()?;
    if dice.below(3) > 0 {
        within(&mut inner, dice);
    }
    Some(STANDARD.encode(inner.to_string()))
}

/// A signed note with its lines changed.
fn lines(note: &str, dice: &mut Dice) -> String {
    let mut lines: Vec<String> = note.split('\n').map(str::to_owned).collect();
    let at = dice.below(lines.len());
    match dice.below(8) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => {
            let other = dice.below(lines.len());
            lines.swap(at, other);
        }
        3 => lines.insert(at, "\u{2014} log.example AAAAAAAA".to_owned()),
        4 => lines[at].push('x'),
        5 => lines[at] = lines[at].replace("rekor", "other").replace("log20", "log21"),
        6 => lines.insert(at, String::new()),
        _ => lines[at] = lines[at].replace('\u{2014}', "-"),
    }
    lines.join("\n")
}
