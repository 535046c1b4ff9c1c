//! Databases of rpm for tests, made by hand so that they can be wrong on purpose.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

/// Tag, type and values of one entry of a header.
pub enum Value<'a> {
    Text(&'a str),
    Texts(&'a [&'a str]),
    Numbers(&'a [u32]),
}

/// A header of tags.
pub fn header(entries: &[(u32, Value<'_>)]) -> Vec<u8> {
    let (mut index, mut data) = (Vec::new(), Vec::new());
    for (tag, value) in entries {
        while !data.len().is_multiple_of(4) {
            data.push(0);
        }
        let offset = data.len() as u32;
        let (kind, count) = match value {
            Value::Text(text) => {
                data.extend_from_slice(text.as_bytes());
                data.push(0);
                (6, 1)
            }
            Value::Texts(texts) => {
                texts.iter().for_each(|t| data.extend(t.bytes().chain([0])));
                (8, texts.len())
            }
            Value::Numbers(numbers) => {
                numbers.iter().for_each(|n| data.extend_from_slice(&n.to_be_bytes()));
                (4, numbers.len())
            }
        };
        for number in [*tag, kind, offset, count as u32] {
            index.extend_from_slice(&number.to_be_bytes());
        }
    }
    let numbers = [entries.len() as u32, data.len() as u32];
    [numbers.map(u32::to_be_bytes).concat(), index, data].concat()
}

/// A header of a package without epoch and with two files; `fill` more bytes make it long.
pub fn package(name: &str, version: &str, fill: usize) -> Vec<u8> {
    let description = "x".repeat(fill);
    let source = format!("{name}-src-{version}-1.src.rpm");
    header(&[
        (1000, Value::Text(name)),
        (1001, Value::Text(version)),
        (1002, Value::Text("1")),
        (1005, Value::Text(&description)),
        (1014, Value::Text("MIT")),
        (1022, Value::Text("x86_64")),
        (1044, Value::Text(&source)),
        (1116, Value::Numbers(&[1, 0])),
        (1117, Value::Texts(&[name, "README"])),
        (1118, Value::Texts(&["/usr/share/doc/", "/usr/bin/"])),
    ])
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn varint(mut n: u64) -> Vec<u8> {
    let mut out = vec![(n & 0x7f) as u8];
    while n >= 0x80 {
        n >>= 7;
        out.push((n & 0x7f) as u8 | 0x80);
    }
    out.reverse();
    out
}

/// Pages of an SQLite database, the first at index 0.
pub struct Sqlite {
    pub pages: Vec<Vec<u8>>,
    size: usize,
}

impl Sqlite {
    /// The table `Packages` with rows: an inner page, and a leaf a row with its overflow pages.
    pub fn new(size: usize, rows: &[Vec<u8>]) -> Self {
        let mut database = Self { pages: vec![vec![0; size], vec![0; size]], size };
        let leaves: Vec<u32> = rows
            .iter()
            .enumerate()
            .map(|(row, blob)| {
                let kind = varint(blob.len() as u64 * 2 + 12);
                let record = [vec![kind.len() as u8 + 2, 0], kind, blob.clone()].concat();
                let cell = database.cell(row as u64 + 1, &record);
                database.add(|page| leaf(page, 0, &cell))
            })
            .collect();
        let (last, others) = leaves.split_last().unwrap();
        let root = &mut database.pages[1];
        put(root, 0, &[5, 0, 0]);
        put(root, 3, &(others.len() as u16).to_be_bytes());
        put(root, 8, &last.to_be_bytes());
        for (row, page) in others.iter().enumerate() {
            let at = size - 16 * (row + 1);
            put(root, 12 + 2 * row, &(at as u16).to_be_bytes());
            put(root, at, &[page.to_be_bytes().as_slice(), &varint(row as u64 + 1)].concat());
        }
        let schema = ["table", "Packages", "Packages"].concat();
        let sql = "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)";
        let kinds = [6, 23, 29, 29, 1].into_iter().chain(varint(sql.len() as u64 * 2 + 13));
        let record: Vec<u8> = kinds.chain(schema.bytes()).chain([2]).chain(sql.bytes()).collect();
        let record = [vec![record.len() as u8 - (schema.len() + 1 + sql.len()) as u8], record[1..].to_vec()].concat();
        let cell = database.cell(1, &record);
        let first = &mut database.pages[0];
        put(first, 0, b"SQLite format 3\0");
        put(first, 16, &(if size == 65536 { 1 } else { size as u16 }).to_be_bytes());
        put(first, 18, &[2, 2, 0, 64, 32, 32]);
        put(first, 56, &1u32.to_be_bytes());
        leaf(first, 100, &cell);
        database
    }

    fn add(&mut self, write: impl FnOnce(&mut Vec<u8>)) -> u32 {
        let mut page = vec![0; self.size];
        write(&mut page);
        self.pages.push(page);
        self.pages.len() as u32
    }

    /// A cell of a leaf; what does not fit goes to overflow pages.
    fn cell(&mut self, row: u64, record: &[u8]) -> Vec<u8> {
        let (most, least) = (self.size - 35, (self.size - 12) * 32 / 255 - 23);
        let fit = if record.len() <= most { record.len() } else { least + (record.len() - least) % (self.size - 4) };
        let local = if fit <= most { fit } else { least };
        let mut next = 0u32;
        for part in record[local..].chunks(self.size - 4).rev() {
            next = self.add(|page| {
                put(page, 0, &next.to_be_bytes());
                put(page, 4, part);
            });
        }
        let mut cell = [varint(record.len() as u64), varint(row), record[..local].to_vec()].concat();
        if next != 0 {
            cell.extend_from_slice(&next.to_be_bytes());
        }
        cell
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.pages.concat()
    }
}

fn leaf(page: &mut [u8], start: usize, cell: &[u8]) {
    let at = page.len() - cell.len();
    put(page, start, &[13, 0, 0, 0, 1]);
    put(page, start + 8, &(at as u16).to_be_bytes());
    put(page, at, cell);
}

/// A write-ahead log with frames: page number, size of the database where the frame ends a transaction, page.
pub fn wal(size: usize, salt: u8, frames: &[(u32, u32, Vec<u8>)]) -> Vec<u8> {
    let sums = |(mut a, mut b): (u32, u32), bytes: &[u8]| {
        for pair in bytes.chunks(8) {
            a = a.wrapping_add(u32::from_be_bytes(pair[..4].try_into().unwrap())).wrapping_add(b);
            b = b.wrapping_add(u32::from_be_bytes(pair[4..].try_into().unwrap())).wrapping_add(a);
        }
        (a, b)
    };
    let mut out = [0x377f_0683, 3_007_000, size as u32, 0].map(u32::to_be_bytes).concat();
    out.extend_from_slice(&[salt; 8]);
    let mut sum = sums((0, 0), &out);
    out.extend([sum.0, sum.1].map(u32::to_be_bytes).concat());
    for (number, commit, page) in frames {
        let head = [*number, *commit].map(u32::to_be_bytes).concat();
        sum = sums(sums(sum, &head), page);
        out.extend(head);
        out.extend_from_slice(&[salt; 8]);
        out.extend([sum.0, sum.1].map(u32::to_be_bytes).concat());
        out.extend_from_slice(page);
    }
    out
}

/// An ndb database.
pub fn ndb(headers: &[Vec<u8>]) -> Vec<u8> {
    let mut out = vec![0; 4096];
    put(&mut out, 0, b"RpmP");
    put(&mut out, 12, &1u32.to_le_bytes());
    for slot in 2..256 {
        put(&mut out, 16 * slot, b"Slot");
    }
    for (index, header) in headers.iter().enumerate() {
        let number = index as u32 + 1;
        let mut blob = b"BlbS".to_vec();
        blob.extend([number, 1, header.len() as u32].map(u32::to_le_bytes).concat());
        blob.extend_from_slice(header);
        while !(blob.len() + 12).is_multiple_of(16) {
            blob.push(0);
        }
        let (a, b) = blob.iter().fold((1u32, 0u32), |(a, b), byte| {
            let a = (a + u32::from(*byte)) % 65521;
            (a, (b + a) % 65521)
        });
        blob.extend([b << 16 | a, header.len() as u32].map(u32::to_le_bytes).concat());
        blob.extend_from_slice(b"BlbE");
        let place = [number, (out.len() / 16) as u32, (blob.len() / 16) as u32].map(u32::to_le_bytes).concat();
        put(&mut out, 16 * (index + 2) + 4, &place);
        out.extend(blob);
    }
    out
}

/// A hash table of Berkeley DB: a page of pairs, then chains of overflow pages; `kind` is that of the
/// page of pairs, 2 unsorted or 13.
pub fn bdb(size: usize, big: bool, kind: u8, headers: &[Vec<u8>]) -> Vec<u8> {
    let u32s = |n: u32| if big { n.to_be_bytes() } else { n.to_le_bytes() };
    let u16s = |n: usize| if big { (n as u16).to_be_bytes() } else { (n as u16).to_le_bytes() };
    let mut pages = vec![vec![0; size], vec![0; size]];
    let mut items = vec![[vec![1], u32s(0).to_vec()].concat(), [vec![1], u32s(headers.len() as u32).to_vec()].concat()];
    for (index, header) in headers.iter().enumerate() {
        let first = pages.len() as u32;
        let parts: Vec<_> = header.chunks(size - 26).collect();
        for (at, part) in parts.iter().enumerate() {
            let mut page = vec![0; size];
            let number = pages.len() as u32;
            put(&mut page, 8, &u32s(number));
            put(&mut page, 16, &u32s(if at + 1 == parts.len() { 0 } else { number + 1 }));
            put(&mut page, 22, &u16s(part.len()));
            page[25] = 7;
            put(&mut page, 26, part);
            pages.push(page);
        }
        items.push([vec![1], u32s(index as u32 + 1).to_vec()].concat());
        items.push([vec![3, 0, 0, 0], u32s(first).to_vec(), u32s(header.len() as u32).to_vec()].concat());
    }
    let last = pages.len() as u32 - 1;
    let meta = &mut pages[0];
    put(meta, 12, &u32s(0x0006_1561));
    put(meta, 16, &u32s(9));
    put(meta, 20, &u32s(size as u32));
    meta[25] = 8;
    put(meta, 32, &u32s(last));
    let page = &mut pages[1];
    put(page, 8, &u32s(1));
    put(page, 20, &u16s(items.len()));
    page[25] = kind;
    let mut end = size;
    for (index, item) in items.iter().enumerate() {
        end -= item.len();
        put(page, end, item);
        put(page, 26 + 2 * index, &u16s(end));
    }
    pages.concat()
}
