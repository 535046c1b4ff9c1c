//! The header of a package as the databases keep it: number of entries, size of the data, entries of
//! tag, type, offset and count, then the data; all numbers in network byte order.

use super::{be16, be32};

const ENTRY: usize = 16;
/// As many tags as rpm takes.
const ENTRIES: u32 = 0xffff;

/// A tag that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag(pub(super) u32);

impl Tag {
    pub(super) const NAME: Tag = Tag(1000);
    pub(super) const VERSION: Tag = Tag(1001);
    pub(super) const RELEASE: Tag = Tag(1002);
    pub(super) const EPOCH: Tag = Tag(1003);
    pub(super) const LICENSE: Tag = Tag(1014);
    pub(super) const ARCH: Tag = Tag(1022);
    pub(super) const OLD_FILE_NAMES: Tag = Tag(1027);
    pub(super) const SOURCE_RPM: Tag = Tag(1044);
    pub(super) const DIR_INDEXES: Tag = Tag(1116);
    pub(super) const BASE_NAMES: Tag = Tag(1117);
    pub(super) const DIR_NAMES: Tag = Tag(1118);
    pub(super) const MODULARITY_LABEL: Tag = Tag(5096);
}

/// Types of data.
const INT16: u32 = 3;
const INT32: u32 = 4;
const STRING: u32 = 6;
const STRING_ARRAY: u32 = 8;
const I18N_STRING: u32 = 9;

/// One header.
#[derive(Debug)]
pub(super) struct Header<'a> {
    entries: &'a [u8],
    data: &'a [u8],
}

impl<'a> Header<'a> {
    /// Takes a header apart; its data is looked at only where a tag is asked for.
    pub(super) fn parse(blob: &'a [u8]) -> Result<Self, String> {
        let (Some(count), Some(size)) = (be32(blob, 0), be32(blob, 4)) else {
            return Err(format!("a header has {} bytes", blob.len()));
        };
        if count == 0 || count > ENTRIES {
            return Err(format!("a header claims {count} entries"));
        }
        let start = 8 + count as usize * ENTRY;
        let end = start.checked_add(size as usize).filter(|end| *end <= blob.len());
        let Some(end) = end else {
            return Err(format!("a header of {count} entries and {size} bytes of data is {} bytes long", blob.len()));
        };
        Ok(Self { entries: &blob[8..start], data: &blob[start..end] })
    }

    /// Type, data from its offset on, and count of the first entry of a tag.
    fn entry(&self, tag: Tag) -> Option<(u32, &'a [u8], usize)> {
        let entry = self.entries.chunks_exact(ENTRY).find(|e| be32(e, 0) == Some(tag.0))?;
        let data = self.data.get(be32(entry, 8)? as usize..)?;
        Some((be32(entry, 4)?, data, be32(entry, 12)? as usize))
    }

    /// The strings of a tag, as many as it has; fewer where the data ends before.
    pub(super) fn strings(&self, tag: Tag) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let (mut rest, mut left) = match self.entry(tag) {
            Some((STRING | STRING_ARRAY | I18N_STRING, data, count)) => (data, count),
            _ => (&[][..], 0),
        };
        std::iter::from_fn(move || {
            left = left.checked_sub(1)?;
            let end = rest.iter().position(|b| *b == 0)?;
            let string = &rest[..end];
            rest = &rest[end + 1..];
            Some(string)
        })
    }

    /// The first string of a tag.
    pub(super) fn string(&self, tag: Tag) -> Option<String> {
        self.strings(tag).next().map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    /// How many values a tag claims to have.
    pub(super) fn count(&self, tag: Tag) -> usize {
        self.entry(tag).map_or(0, |(_, _, count)| count)
    }

    /// The numbers of a tag, as many as it has; fewer where the data ends before.
    pub(super) fn numbers(&self, tag: Tag) -> impl Iterator<Item = u32> + use<'a> {
        let (kind, data, count) = self.entry(tag).unwrap_or((0, &[], 0));
        (0..count).map_while(move |i| match kind {
            INT32 => be32(data, i.checked_mul(4)?),
            INT16 => be16(data, i.checked_mul(2)?).map(u32::from),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Entries of tag, type, offset and count.
    fn header(entries: &[[u32; 4]], data: &[u8]) -> Vec<u8> {
        let numbers = [entries.len() as u32, data.len() as u32];
        let numbers = numbers.into_iter().chain(entries.iter().flatten().copied());
        numbers.flat_map(u32::to_be_bytes).chain(data.iter().copied()).collect()
    }

    #[test]
    fn values_are_read_by_tag() {
        let blob = header(
            &[[1000, 6, 0, 1], [1003, 4, 4, 1], [1117, 8, 8, 2], [1116, 3, 12, 2]],
            b"abc\0\0\0\0\x07x\0y\0\0\x01\0\x02",
        );
        let header = Header::parse(&blob).unwrap();
        assert_eq!(header.string(Tag::NAME).as_deref(), Some("abc"));
        assert_eq!(header.numbers(Tag::EPOCH).collect::<Vec<_>>(), [7]);
        assert_eq!(header.strings(Tag::BASE_NAMES).collect::<Vec<_>>(), [b"x", b"y"]);
        assert_eq!(header.numbers(Tag::DIR_INDEXES).collect::<Vec<_>>(), [1, 2]);
        assert_eq!((header.string(Tag::VERSION), header.string(Tag::EPOCH)), (None, None));
    }

    #[test]
    fn values_beyond_the_data_are_none() {
        let blob = header(&[[1000, 6, 99, 1], [1001, 6, 0, 1], [1117, 8, 2, 9], [1116, 4, 0, u32::MAX]], b"ab1\0\0");
        let header = Header::parse(&blob).unwrap();
        assert_eq!(header.string(Tag::NAME), None);
        assert_eq!(header.strings(Tag::BASE_NAMES).count(), 2);
        assert_eq!(header.numbers(Tag::DIR_INDEXES).count(), 1);
        assert_eq!(header.count(Tag::BASE_NAMES), 9);
    }

    #[test]
    fn headers_that_cannot_be_are_refused() {
        let good = header(&[[1000, 6, 0, 1]], b"a\0");
        assert!(Header::parse(&good).is_ok());
        assert!(Header::parse(&good[..good.len() - 1]).is_err());
        assert!(Header::parse(&[0; 7]).is_err());
        assert!(Header::parse(&[0; 64]).is_err());
        assert!(Header::parse(&[0xff; 64]).is_err());
    }
}
