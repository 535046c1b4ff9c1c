//! The statements, one function an operation. Each is one transaction.

use std::path::Path;

use cleanbill_model::{Digest, Platform, Pod, Timestamp, Workload};
use cleanbill_protocol::Batch;
use cleanbill_protocol::wire::PodWire;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::StoreError;
use crate::json::{AlertRow, ImageRow};
use crate::open::engine;
use crate::record::{AlertRecord, Applied, ClusterRow, Exposure, ImageRecord};

/// A row that is there but says what no version of this code wrote.
pub(super) fn damaged(path: &Path, row: &str, why: impl std::fmt::Display) -> StoreError {
    StoreError::Damaged { path: path.display().to_string(), why: format!("{row}: {why}") }
}

pub(super) fn encode(value: &impl Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::Refused(e.to_string()))
}

fn decode<W: DeserializeOwned, T: TryFrom<W>>(path: &Path, row: &str, json: &str) -> Result<T, StoreError>
where
    T::Error: std::fmt::Display,
{
    let wire: W = serde_json::from_str(json).map_err(|e| damaged(path, row, e))?;
    T::try_from(wire).map_err(|e| damaged(path, row, e))
}

fn time(path: &Path, row: &str, text: &str) -> Result<Timestamp, StoreError> {
    text.parse().map_err(|e| damaged(path, row, e))
}

/// All rows of a query as tuples of text.
pub(super) fn all<T>(
    db: &Connection,
    path: &Path,
    sql: &str,
    parameters: impl rusqlite::Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let run = || db.prepare_cached(sql)?.query_map(parameters, read)?.collect::<rusqlite::Result<Vec<T>>>();
    run().map_err(engine(path))
}

pub(super) fn apply(db: &mut Connection, path: &Path, batch: &Batch, at: Timestamp) -> Result<Applied, StoreError> {
    let uid = &batch.cluster.uid;
    let pods = batch.pods.iter().map(|p| Ok((&p.uid, encode(&PodWire::from(p))?))).collect::<Result<Vec<_>, _>>()?;
    let mut run = || {
        let transaction = db.transaction()?;
        let cursor: Option<(i64, i64)> = transaction
            .query_row("SELECT epoch, seq FROM cluster WHERE uid = ?1", [uid], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        // SQLite's integers are signed: an epoch is kept as the same 64 bits.
        let epoch = batch.epoch as i64;
        let seen = cursor.filter(|(known, _)| *known == epoch).map(|(_, seq)| seq as u64);
        if seen.is_some_and(|seen| batch.seq <= seen) {
            transaction.execute("UPDATE cluster SET last_seen = ?2 WHERE uid = ?1", params![uid, at.to_string()])?;
            transaction.commit()?;
            return Ok(Applied::Repeated);
        }
        if !batch.full && seen.and_then(|seen| seen.checked_add(1)) != Some(batch.seq) {
            return Ok(Applied::Resync);
        }
        if batch.full {
            transaction.execute("DELETE FROM pod WHERE cluster = ?1", [uid])?;
        }
        for (pod, json) in &pods {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO pod (cluster, uid, json) VALUES (?1, ?2, ?3)")?
                .execute(params![uid, pod, json])?;
        }
        for pod in &batch.gone {
            transaction
                .prepare_cached("DELETE FROM pod WHERE cluster = ?1 AND uid = ?2")?
                .execute(params![uid, pod])?;
        }
        transaction.execute(
            "INSERT OR REPLACE INTO cluster (uid, name, epoch, seq, last_seen) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![uid, batch.cluster.name, epoch, batch.seq as i64, at.to_string()],
        )?;
        transaction.commit()?;
        Ok(Applied::Done)
    };
    run().map_err(engine(path))
}

pub(super) fn clusters(db: &Connection, path: &Path) -> Result<Vec<ClusterRow>, StoreError> {
    let sql = "SELECT uid, name, epoch, seq, last_seen FROM cluster ORDER BY uid";
    let read = |r: &Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get::<_, i64>(2)?, r.get::<_, i64>(3)?, r.get(4)?));
    let row = |(uid, name, epoch, seq, seen): (String, String, i64, i64, String)| {
        let last_seen = time(path, &format!("cluster {uid}"), &seen)?;
        Ok(ClusterRow { uid, name, last_seen, epoch: epoch as u64, seq: seq as u64 })
    };
    all(db, path, sql, [], read)?.into_iter().map(row).collect()
}

pub(super) fn pods(db: &Connection, path: &Path) -> Result<Vec<(String, Pod)>, StoreError> {
    let sql = "SELECT cluster, uid, json FROM pod ORDER BY cluster, uid";
    let read = |r: &Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get(2)?));
    let row = |(cluster, uid, json): (String, String, String)| {
        Ok((cluster, decode::<PodWire, Pod>(path, &format!("pod {uid}"), &json)?))
    };
    all(db, path, sql, [], read)?.into_iter().map(row).collect()
}

pub(super) fn put_image(db: &Connection, path: &Path, record: &ImageRecord) -> Result<(), StoreError> {
    let wanted = &record.wanted;
    let platform = wanted.platform.as_ref().map(Platform::to_string).unwrap_or_default();
    let json = encode(&ImageRow::from(record))?;
    let sql = "INSERT OR REPLACE INTO image (digest, platform, reference, json) VALUES (?1, ?2, ?3, ?4)";
    let run = || db.prepare_cached(sql)?.execute(params![wanted.digest.to_string(), platform, wanted.reference, json]);
    run().map(drop).map_err(engine(path))
}

pub(super) fn images(db: &Connection, path: &Path) -> Result<Vec<ImageRecord>, StoreError> {
    let sql = "SELECT digest, json FROM image ORDER BY digest, platform, reference";
    let row =
        |(digest, json): (String, String)| decode::<ImageRow, ImageRecord>(path, &format!("image {digest}"), &json);
    all(db, path, sql, [], |r| Ok((r.get(0)?, r.get(1)?)))?.into_iter().map(row).collect()
}

pub(super) fn add_alert(db: &Connection, path: &Path, alert: &AlertRecord) -> Result<bool, StoreError> {
    let json = encode(&AlertRow::from(alert))?;
    let (by, at) = alert.acknowledged.as_ref().map(|(by, at)| (by.clone(), at.to_string())).unzip();
    let sql = "INSERT INTO alert (id, json, acknowledged_by, acknowledged_at) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (id) DO NOTHING";
    let run = || db.prepare_cached(sql)?.execute(params![alert.id, json, by, at]);
    run().map(|added| added == 1).map_err(engine(path))
}

pub(super) fn alerts(
    db: &Connection,
    path: &Path,
    before: Option<i64>,
    limit: usize,
) -> Result<Vec<AlertRecord>, StoreError> {
    let sql = "SELECT cursor, id, json, acknowledged_by, acknowledged_at FROM alert \
               WHERE cursor < ?1 ORDER BY cursor DESC LIMIT ?2";
    let parameters = params![before.unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(i64::MAX)];
    let read = |r: &Row<'_>| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?));
    let row = |(cursor, id, json, by, at): (i64, String, String, Option<String>, Option<String>)| {
        let name = format!("alert {id}");
        let at = at.map(|at| time(path, &name, &at)).transpose()?;
        let alert: AlertRow = serde_json::from_str(&json).map_err(|e| damaged(path, &name, e))?;
        alert.into_record(id, cursor, by.zip(at)).map_err(|e| damaged(path, &name, e))
    };
    all(db, path, sql, parameters, read)?.into_iter().map(row).collect()
}

pub(super) fn acknowledge(
    db: &mut Connection,
    path: &Path,
    id: &str,
    by: &str,
    at: Timestamp,
) -> Result<bool, StoreError> {
    let mut run = || {
        let transaction = db.transaction()?;
        let there: bool =
            transaction.query_row("SELECT count(*) FROM alert WHERE id = ?1", [id], |r| Ok(r.get::<_, i64>(0)? > 0))?;
        transaction.execute(
            "UPDATE alert SET acknowledged_by = ?2, acknowledged_at = ?3 WHERE id = ?1 AND acknowledged_by IS NULL",
            params![id, by, at.to_string()],
        )?;
        transaction.commit()?;
        Ok(there)
    };
    run().map_err(engine(path))
}

pub(super) fn exposures(db: &Connection, path: &Path) -> Result<Vec<Exposure>, StoreError> {
    let sql = "SELECT vulnerability, cluster, namespace, kind, name, image, opened FROM exposure \
               ORDER BY vulnerability, cluster, namespace, kind, name, image";
    let read = |r: &Row<'_>| -> rusqlite::Result<[String; 7]> {
        Ok([r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?, r.get(6)?])
    };
    let row = |[vulnerability, cluster, namespace, kind, name, image, opened]: [String; 7]| {
        let at = format!("exposure to {vulnerability}");
        Ok(Exposure {
            image: Digest::parse(&image).map_err(|e| damaged(path, &at, e))?,
            opened: time(path, &at, &opened)?,
            vulnerability,
            cluster,
            namespace,
            workload: Workload { kind, name },
        })
    };
    all(db, path, sql, [], read)?.into_iter().map(row).collect()
}

pub(super) fn put_exposures(
    db: &mut Connection,
    path: &Path,
    opened: &[Exposure],
    closed: &[Exposure],
) -> Result<(), StoreError> {
    let mut run = || {
        let transaction = db.transaction()?;
        for e in closed {
            let sql = "DELETE FROM exposure WHERE vulnerability = ?1 AND cluster = ?2 AND namespace = ?3 \
                       AND kind = ?4 AND name = ?5 AND image = ?6";
            let image = e.image.to_string();
            transaction.prepare_cached(sql)?.execute(params![
                e.vulnerability,
                e.cluster,
                e.namespace,
                e.workload.kind,
                e.workload.name,
                image
            ])?;
        }
        for e in opened {
            let sql = "INSERT INTO exposure (vulnerability, cluster, namespace, kind, name, image, opened) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT DO NOTHING";
            transaction.prepare_cached(sql)?.execute(params![
                e.vulnerability,
                e.cluster,
                e.namespace,
                e.workload.kind,
                e.workload.name,
                e.image.to_string(),
                e.opened.to_string()
            ])?;
        }
        transaction.commit()
    };
    run().map_err(engine(path))
}

pub(super) fn setting(db: &Connection, path: &Path, key: &str) -> Result<Option<String>, StoreError> {
    let sql = "SELECT value FROM setting WHERE key = ?1";
    db.query_row(sql, [key], |row| row.get(0)).optional().map_err(engine(path))
}

pub(super) fn set_setting(db: &Connection, path: &Path, key: &str, value: &str) -> Result<(), StoreError> {
    let sql = "INSERT OR REPLACE INTO setting (key, value) VALUES (?1, ?2)";
    db.execute(sql, [key, value]).map(drop).map_err(engine(path))
}
