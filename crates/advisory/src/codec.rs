//! Records as bytes: fields in the order of [`Advisory`], integers as LEB128, texts and lists with their
//! length before them. Which fields there are is a matter of the file's format number.

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
                self.0.extend_from_slice(&t.as_nanosecond().to_le_bytes());
            }
        }
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
        let length = usize::try_from(self.number()?).ok()?;
        String::from_utf8(self.take(length)?.to_vec()).ok()
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
                let bytes: [u8; 16] = self.take(16)?.try_into().ok()?;
                Timestamp::from_nanosecond(i128::from_le_bytes(bytes)).ok().map(Some)
            }
            _ => None,
        }
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

/// A record as bytes.
pub(crate) fn encode(advisory: &Advisory) -> Vec<u8> {
    let mut w = Writer::default();
    w.text(&advisory.id);
    w.list(&advisory.aliases, |w, a| w.text(a));
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
    w.list(&advisory.affected, |w, a| {
        w.text(&a.ecosystem);
        w.text(&a.name);
        w.list(&a.ranges, |w, r| {
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
        w.list(&a.versions, |w, v| w.text(v));
        w.byte(index(&FIX_STATES, &a.fix_state));
        w.byte(a.severity.map_or(0, |s| index(&SEVERITIES, &s) + 1));
    });
    w.0
}

/// The record that bytes hold, all of them.
pub(crate) fn decode(bytes: &[u8]) -> Option<Advisory> {
    let mut r = Reader(bytes);
    let advisory = Advisory {
        id: r.text()?,
        aliases: r.list(Reader::text)?,
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
        affected: r.list(affected)?,
    };
    r.0.is_empty().then_some(advisory)
}

fn affected(r: &mut Reader<'_>) -> Option<Affected> {
    Some(Affected {
        ecosystem: r.text()?,
        name: r.text()?,
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
    })
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
            summary in "\\PC{0,40}", severity in 0..6usize,
            cvss in prop::collection::vec(("\\PC{0,20}", prop::option::of(0.0..10.0f64)), 0..3),
            times in prop::collection::vec(prop::option::of(-62_000_000_000_000i64..253_000_000_000_000), 3..=3),
            affected in prop::collection::vec(any_affected(), 0..3),
        ) -> Advisory {
            let time = |i: usize| times[i].and_then(|ms: i64| Timestamp::from_millisecond(ms).ok());
            Advisory {
                id, aliases, feed, summary, severity: SEVERITIES[severity],
                cvss: cvss.into_iter().map(|(vector, score)| Cvss { vector, score }).collect(),
                published: time(0), modified: time(1), withdrawn: time(2), affected,
            }
        }
    }

    proptest! {
        #[test]
        fn a_record_survives_writing_and_reading(advisory in any_advisory()) {
            prop_assert_eq!(decode(&encode(&advisory)), Some(advisory));
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }

        #[test]
        fn a_cut_record_is_none(advisory in any_advisory(), cut in 0.0..1.0f64) {
            let bytes = encode(&advisory);
            let cut = (bytes.len() as f64 * cut) as usize;
            prop_assert_eq!(decode(&bytes[..cut.min(bytes.len() - 1)]), None);
        }
    }
}
