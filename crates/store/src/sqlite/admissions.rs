//! The statements about answers to admission requests. Each function is one transaction.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::rows::{all, damaged, encode};
use crate::StoreError;
use crate::admission::{AdmissionEntry, AdmissionFilter};
use crate::open::engine;

pub(super) fn put(db: &mut Connection, path: &Path, entries: &[AdmissionEntry], keep: usize) -> Result<(), StoreError> {
    // What is stored must be read before it is replaced: it knows when it was first given.
    let mut merged = Vec::with_capacity(entries.len());
    for entry in entries {
        let before = one(db, path, &entry.key)?;
        let first = before.map_or(entry.first, |before| before.first.min(entry.first));
        let entry = AdmissionEntry { first, ..entry.clone() };
        let json = encode(&entry)?;
        merged.push((entry, json));
    }
    let mut run = || {
        let transaction = db.transaction()?;
        for (entry, json) in &merged {
            let times: i64 = transaction
                .query_row("SELECT times FROM admission WHERE key = ?1", [&entry.key], |row| row.get(0))
                .optional()?
                .unwrap_or(0);
            let times = times.saturating_add(i64::try_from(entry.times).unwrap_or(i64::MAX));
            transaction.execute("DELETE FROM admission WHERE key = ?1", [&entry.key])?;
            transaction.execute(
                "INSERT INTO admission (key, outcome, namespace, times, json) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![entry.key, entry.outcome.name(), entry.namespace, times, json],
            )?;
            transaction.execute("DELETE FROM admission_image WHERE admission = ?1", [&entry.key])?;
            let digests: BTreeSet<&String> = entry.images.iter().filter_map(|image| image.digest.as_ref()).collect();
            for digest in digests {
                transaction.execute(
                    "INSERT INTO admission_image (digest, admission) VALUES (?1, ?2)",
                    params![digest, entry.key],
                )?;
            }
        }
        let oldest: Option<i64> = transaction
            .query_row("SELECT cursor FROM admission ORDER BY cursor DESC LIMIT 1 OFFSET ?1", [keep as i64], |row| {
                row.get(0)
            })
            .optional()?;
        if let Some(oldest) = oldest {
            transaction.execute(
                "DELETE FROM admission_image WHERE admission IN (SELECT key FROM admission WHERE cursor <= ?1)",
                [oldest],
            )?;
            transaction.execute("DELETE FROM admission WHERE cursor <= ?1", [oldest])?;
        }
        transaction.commit()
    };
    run().map_err(engine(path))
}

pub(super) fn list(
    db: &Connection,
    path: &Path,
    filter: &AdmissionFilter,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<AdmissionEntry>, StoreError> {
    // No outcome has a comma in its word.
    let outcomes = filter.outcomes.iter().map(|o| o.name()).collect::<Vec<_>>().join(",");
    let rows = all(
        db,
        path,
        "SELECT cursor, times, json FROM admission
         WHERE cursor < ?1
           AND (?2 = '' OR instr(',' || ?2 || ',', ',' || outcome || ',') > 0)
           AND (?3 IS NULL OR namespace = ?3)
           AND (?4 IS NULL OR key IN (SELECT admission FROM admission_image WHERE digest = ?4))
         ORDER BY cursor DESC LIMIT ?5",
        params![before.unwrap_or(i64::MAX), outcomes, filter.namespace, filter.digest, limit as i64],
        |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)),
    )?;
    rows.into_iter().map(|(cursor, times, json)| read(path, cursor, times, &json)).collect()
}

pub(super) fn one(db: &Connection, path: &Path, key: &str) -> Result<Option<AdmissionEntry>, StoreError> {
    let row = db
        .query_row("SELECT cursor, times, json FROM admission WHERE key = ?1", [key], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?))
        })
        .optional()
        .map_err(engine(path))?;
    row.map(|(cursor, times, json)| read(path, cursor, times, &json)).transpose()
}

fn read(path: &Path, cursor: i64, times: i64, json: &str) -> Result<AdmissionEntry, StoreError> {
    let entry: AdmissionEntry =
        serde_json::from_str(json).map_err(|e| damaged(path, &format!("admission {cursor}"), e))?;
    Ok(AdmissionEntry { cursor, times: u64::try_from(times).unwrap_or(0), ..entry })
}
