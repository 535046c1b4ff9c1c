//! Reading a whole database before it is trusted: one that was fetched or copied from elsewhere.

use crate::database::Database;
use crate::{DatabaseError, DatabaseInfo};
use std::path::Path;

impl Database {
    /// Reads every block and everything in them, without keeping it. With `expected` (64 hexadecimal
    /// digits, `sha256:` before them or not) the file must also be that one.
    pub fn verify(path: &Path, expected: Option<&str>) -> Result<DatabaseInfo, DatabaseError> {
        Self::open(path)?.check(expected)
    }

    pub(crate) fn check(&self, expected: Option<&str>) -> Result<DatabaseInfo, DatabaseError> {
        let inner = &self.inner;
        if let Some(expected) = expected {
            let expected = expected.trim();
            let digits = expected.strip_prefix("sha256:").unwrap_or(expected);
            if !digits.eq_ignore_ascii_case(&inner.info.digest) {
                return Err(DatabaseError::Unexpected {
                    path: inner.payload.path.clone(),
                    expected: digits.to_owned(),
                    found: inner.info.digest.clone(),
                });
            }
        }
        let mut block = Vec::new();
        for number in 0..inner.payload.blocks() {
            inner.payload.read_block(number, &mut block)?;
        }
        for number in 0..inner.at.packages.count as u32 {
            inner.package(number)?;
        }
        for number in 0..inner.at.records.count as u32 {
            inner.read_record(number)?;
        }
        for number in 0..inner.at.exploited.count {
            inner.kev(inner.payload.entry(inner.at.exploited, number)?)?;
        }
        Ok(inner.info.clone())
    }
}
