//! Records as bytes: fields in the order of [`Advisory`], integers as LEB128, texts and lists with their
//! length before them; what is affected is apart from the record. Which fields there are is a matter of
//! the file's format number.

use cleanbill_model::{Advisory, Affected, Cvss, Event, FixState, RangeKind, Severity, Timestamp, VersionRange};

/// Writes values one after the other.
#[derive(Default)]
pub(crate) struct Writer(pub(crate) Vec<u8>);

impl Writer {
    pub(crate) fn byte(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn number(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.number(value.len() as u64);
        self.0.extend_from_slice(value.as_bytes());
    }

    pub(crate) fn list<T>(&mut self, values: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.number(values.len() as u64);
        for value in values {
            each(self, value);
        }
    }

    pub(crate) fn time(&mut self, value: Option<Timestamp>) {
        match value {
            None => self.byte(0),
            Some(t) => {
                self.byte(1);
                self.signed(t.as_second());
                self.signed(i64::from(t.subsec_nanosecond()));
            }
        }
    }

    fn signed(&mut self, value: i64) {
        self.number(((value << 1) ^ (value >> 63)) as u64);
    }
}

/// Reads them back; `None` where the bytes are no such value.
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(count)?;
        self.0 = rest;
        Some(head)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    pub(crate) fn text(&mut self) -> Option<String> {
        self.str().map(str::to_owned)
    }

    /// A text that stays where it is.
    pub(crate) fn str(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.number()?).ok()?;
        std::str::from_utf8(self.take(length)?).ok()
    }

    pub(crate) fn list<T>(&mut self, mut each: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = self.number()?;
        // Every element takes at least one byte, so a count beyond what is left is no list.
        if count > self.0.len() as u64 {
            return None;
        }
        (0..count).map(|_| each(self)).collect()
    }

    pub(crate) fn time(&mut self) -> Option<Option<Timestamp>> {
        match self.byte()? {
            0 => Some(None),
            1 => {
                let second = self.signed()?;
                let nanosecond = i32::try_from(self.signed()?).ok()?;
                Timestamp::new(second, nanosecond).ok().map(Some)
            }
            _ => None,
        }
    }

    fn signed(&mut self) -> Option<i64> {
        let value = self.number()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// A number that fits into 32 bits.
    pub(crate) fn short(&mut self) -> Option<u32> {
        u32::try_from(self.number()?).ok()
    }
}

const FIX_STATES: [FixState; 6] = [
    FixState::ByRange,
    FixState::NotAffected,
    FixState::WillNotFix,
    FixState::Deferred,
    FixState::EndOfLife,
    FixState::Undetermined,
];
const SEVERITIES: [Severity; 6] =
    [Severity::Unknown, Severity::Negligible, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

fn index<T: PartialEq>(table: &[T], value: &T) -> u8 {
    table.iter().position(|v| v == value).unwrap_or(0) as u8
}

/// Where in the packages an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Place {
    /// Number of the package.
    pub(crate) package: u32,
    /// Bytes from the beginning of the package.
    pub(crate) at: u32,
    /// Its length.
    pub(crate) length: u32,
}

/// A record as bytes, but for what is affected, of which it has the places.
pub(crate) fn encode(advisory: &Advisory, affected: &[Place]) -> Vec<u8> {
    let mut w = Writer::default();
    w.text(&advisory.id);
    w.list(&advisory.aliases, |w, a| w.text(a));
    w.list(&advisory.upstream, |w, a| w.text(a));
    w.text(&advisory.feed);
    w.text(&advisory.summary);
    w.byte(index(&SEVERITIES, &advisory.severity));
    w.list(&advisory.cvss, |w, c| {
        w.text(&c.vector);
        match c.score {
            None => w.byte(0),
            Some(score) => {
                w.byte(1);
                w.0.extend_from_slice(&score.to_bits().to_le_bytes());
            }
        }
    });
    w.time(advisory.published);
    w.time(advisory.modified);
    w.time(advisory.withdrawn);
    w.list(affected, |w, place| {
        w.number(u64::from(place.package));
        w.number(u64::from(place.at));
        w.number(u64::from(place.length));
    });
    w.0
}

/// The record that bytes hold, all of them, without what is affected, and where that is.
pub(crate) fn decode(bytes: &[u8]) -> Option<(Advisory, Vec<Place>)> {
    let mut r = Reader(bytes);
    let advisory = Advisory {
        id: r.text()?,
        aliases: r.list(Reader::text)?,
        upstream: r.list(Reader::text)?,
        feed: r.text()?,
        summary: r.text()?,
        severity: *SEVERITIES.get(usize::from(r.byte()?))?,
        cvss: r.list(|r| {
            let vector = r.text()?;
            let score = match r.byte()? {
                0 => None,
                1 => Some(f64::from_bits(u64::from_le_bytes(r.take(8)?.try_into().ok()?))),
                _ => return None,
            };
            Some(Cvss { vector, score })
        })?,
        published: r.time()?,
        modified: r.time()?,
        withdrawn: r.time()?,
        affected: Vec::new(),
    };
    let places = r.list(|r| Some(Place { package: r.short()?, at: r.short()?, length: r.short()? }))?;
    r.0.is_empty().then_some((advisory, places))
}

/// An entry of a package: the record, whether it is withdrawn, and what it says.
pub(crate) fn encode_entry(w: &mut Writer, record: u32, withdrawn: bool, affected: &Affected) {
    w.number(u64::from(record));
    w.byte(u8::from(withdrawn));
    w.list(&affected.ranges, |w, r| {
        w.byte(match r.kind {
            RangeKind::Semver => 0,
            RangeKind::Ecosystem => 1,
        });
        w.list(&r.events, |w, e| {
            let (kind, version) = match e {
                Event::Introduced(v) => (0, v),
                Event::Fixed(v) => (1, v),
                Event::LastAffected(v) => (2, v),
                Event::Limit(v) => (3, v),
            };
            w.byte(kind);
            w.text(version);
        });
    });
    w.list(&affected.versions, |w, v| w.text(v));
    w.byte(index(&FIX_STATES, &affected.fix_state));
    w.byte(affected.severity.map_or(0, |s| index(&SEVERITIES, &s) + 1));
}

/// Reads an entry of the package of that ecosystem and name.
pub(crate) fn decode_entry(r: &mut Reader<'_>, ecosystem: &str, name: &str) -> Option<(u32, bool, Affected)> {
    let record = r.short()?;
    let withdrawn = match r.byte()? {
        0 => false,
        1 => true,
        _ => return None,
    };
    let affected = Affected {
        ecosystem: ecosystem.to_owned(),
        name: name.to_owned(),
        ranges: r.list(|r| {
            let kind = match r.byte()? {
                0 => RangeKind::Semver,
                1 => RangeKind::Ecosystem,
                _ => return None,
            };
            let events = r.list(|r| {
                let kind = r.byte()?;
                let version = r.text()?;
                Some(match kind {
                    0 => Event::Introduced(version),
                    1 => Event::Fixed(version),
                    2 => Event::LastAffected(version),
                    3 => Event::Limit(version),
                    _ => return None,
                })
            })?;
            Some(VersionRange { kind, events })
        })?,
        versions: r.list(Reader::text)?,
        fix_state: *FIX_STATES.get(usize::from(r.byte()?))?,
        severity: match r.byte()? {
            0 => None,
            n => Some(*SEVERITIES.get(usize::from(n) - 1)?),
        },
    };
    Some((record, withdrawn, affected))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    prop_compose! {
        fn any_affected()(
            ecosystem in "[A-Z][a-z]{0,5}(:[0-9]{1,2})?", name in "\\PC{0,12}",
            events in prop::collection::vec((0..4u8, "\\PC{0,6}"), 0..4), semver: bool,
            versions in prop::collection::vec("\\PC{0,6}", 0..3),
            fix in 0..6usize, severity in prop::option::of(0..6usize),
        ) -> Affected {
            let events = events.into_iter().map(|(kind, v)| match kind {
                0 => Event::Introduced(v), 1 => Event::Fixed(v), 2 => Event::LastAffected(v), _ => Event::Limit(v),
            }).collect();
            let kind = if semver { RangeKind::Semver } else { RangeKind::Ecosystem };
            Affected {
                ecosystem, name, ranges: vec![VersionRange { kind, events }], versions,
                fix_state: FIX_STATES[fix], severity: severity.map(|s| SEVERITIES[s]),
            }
        }
    }

    prop_compose! {
        fn any_advisory()(
            id in "\\PC{0,20}", aliases in prop::collection::vec("\\PC{0,20}", 0..3), feed in "[a-z]{1,5}",
            upstream in prop::collection::vec("\\PC{0,20}", 0..3),
            summary in "\\PC{0,40}", severity in 0..6usize,
            cvss in prop::collection::vec(("\\PC{0,20}", prop::option::of(0.0..10.0f64)), 0..3),
            times in prop::collection::vec(prop::option::of(-62_000_000_000_000i64..253_000_000_000_000), 3..=3),
        ) -> Advisory {
            let time = |i: usize| times[i].and_then(|ms: i64| Timestamp::from_millisecond(ms).ok());
            Advisory {
                id, aliases, upstream, feed, summary, severity: SEVERITIES[severity],
                cvss: cvss.into_iter().map(|(vector, score)| Cvss { vector, score }).collect(),
                published: time(0), modified: time(1), withdrawn: time(2), affected: Vec::new(),
            }
        }
    }

    prop_compose! {
        fn any_place()(package: u32, at: u32, length: u32) -> Place {
            Place { package, at, length }
        }
    }

    proptest! {
        #[test]
        fn a_record_survives_writing_and_reading(
            advisory in any_advisory(), places in prop::collection::vec(any_place(), 0..4),
        ) {
            prop_assert_eq!(decode(&encode(&advisory, &places)), Some((advisory, places)));
        }

        #[test]
        fn an_entry_survives_writing_and_reading(record: u32, withdrawn: bool, affected in any_affected()) {
            let mut w = Writer::default();
            encode_entry(&mut w, record, withdrawn, &affected);
            let mut r = Reader(&w.0);
            let read = decode_entry(&mut r, &affected.ecosystem, &affected.name);
            prop_assert_eq!(read, Some((record, withdrawn, affected)));
            prop_assert!(r.0.is_empty());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
            let _ = decode_entry(&mut Reader(&bytes), "e", "n");
        }

        #[test]
        fn a_cut_record_is_none(advisory in any_advisory(), cut in 0.0..1.0f64) {
            let bytes = encode(&advisory, &[]);
            let cut = (bytes.len() as f64 * cut) as usize;
            prop_assert_eq!(decode(&bytes[..cut.min(bytes.len() - 1)]), None);
        }
    }
}
