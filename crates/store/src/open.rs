//! Opening a data directory: the lock, the checks that leave foreign files as they are, the schema.

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use crate::StoreError;
use crate::blobs::{io, sync_dir};

/// The database inside the data directory.
pub(crate) const DATABASE: &str = "cleanbill.db";
const LOCK: &str = "lock";
/// `CBst`: SQLite's `application_id`, which tells our files from others.
const APPLICATION: i32 = 0x4342_7374;

/// The schema this code knows. A change adds a step to [`MIGRATIONS`].
const VERSION: i64 = MIGRATIONS.len() as i64;

/// Step `n` brings schema version `n` to `n + 1`.
const MIGRATIONS: [&str; 2] = [
    "
    CREATE TABLE cluster (
        uid TEXT PRIMARY KEY, name TEXT NOT NULL, epoch INTEGER NOT NULL, seq INTEGER NOT NULL, last_seen TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE pod (
        cluster TEXT NOT NULL, uid TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (cluster, uid)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE image (
        digest TEXT NOT NULL, platform TEXT NOT NULL, reference TEXT NOT NULL, json TEXT NOT NULL,
        PRIMARY KEY (digest, platform, reference)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE alert (
        cursor INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, json TEXT NOT NULL,
        acknowledged_by TEXT, acknowledged_at TEXT
    ) STRICT;
    CREATE TABLE exposure (
        vulnerability TEXT NOT NULL, cluster TEXT NOT NULL, namespace TEXT NOT NULL, kind TEXT NOT NULL,
        name TEXT NOT NULL, image TEXT NOT NULL, opened TEXT NOT NULL,
        PRIMARY KEY (vulnerability, cluster, namespace, kind, name, image)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
",
    "
    CREATE TABLE admission (
        cursor INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, outcome TEXT NOT NULL,
        namespace TEXT NOT NULL, times INTEGER NOT NULL, json TEXT NOT NULL
    ) STRICT;
    CREATE TABLE admission_image (
        digest TEXT NOT NULL, admission TEXT NOT NULL, PRIMARY KEY (digest, admission)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX admission_image_of ON admission_image (admission);
",
];

/// Makes the data directory if need be, readable by its owner alone.
pub(crate) fn directory(path: &Path) -> Result<(), StoreError> {
    if path.is_dir() {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(io(path))
}

/// Takes the data directory for this process. The lock is the operating system's and ends with the
/// process, however it ends; what the file says is only for people.
pub(crate) fn lock(data: &Path) -> Result<File, StoreError> {
    let path = data.join(LOCK);
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    let mut file = options.open(&path).map_err(io(&path))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // A holder that has not written its line yet is one all the same.
            let _unreadable = file.take(256).read_to_string(&mut holder);
            let holder = if holder.trim().is_empty() { "another process" } else { holder.trim() };
            return Err(StoreError::InUse { path: data.display().to_string(), holder: holder.to_owned() });
        }
        Err(TryLockError::Error(e)) => return Err(io(&path)(e)),
    }
    let line = format!("process {}\n", std::process::id());
    file.set_len(0).and_then(|()| file.rewind()).and_then(|()| file.write_all(line.as_bytes())).map_err(io(&path))?;
    Ok(file)
}

/// The engine's words about `path`.
pub(crate) fn engine(path: &Path) -> impl Fn(rusqlite::Error) -> StoreError {
    let path = path.display().to_string();
    move |error| {
        let damaged = matches!(
            error.sqlite_error_code(),
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
        );
        let (path, why) = (path.clone(), error.to_string());
        if damaged { StoreError::Damaged { path, why } } else { StoreError::Engine { path, why } }
    }
}

/// Opens the database in `data`, making or migrating it.
pub(crate) fn database(data: &Path) -> Result<Connection, StoreError> {
    let path = data.join(DATABASE);
    if !path.try_exists().map_err(io(&path))? {
        create(data, &path)?;
    }
    inspect(&path)?;
    let engine = engine(&path);
    let mut connection = Connection::open(&path).map_err(&engine)?;
    (|| {
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.set_prepared_statement_cache_capacity(64);
        migrate(&mut connection)
    })()
    .map_err(engine)?;
    Ok(connection)
}

/// Makes a new database beside its place and renames it, so that there is never half of one.
fn create(data: &Path, path: &Path) -> Result<(), StoreError> {
    let beside = data.join(format!("{DATABASE}.new"));
    match fs::remove_file(&beside) {
        Ok(()) => {}
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(io(&beside)(e)),
    }
    let mut connection = Connection::open(&beside).map_err(engine(&beside))?;
    (|| {
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "application_id", APPLICATION)?;
        connection
            .execute_batch("CREATE TABLE schema (version INTEGER NOT NULL) STRICT; INSERT INTO schema VALUES (0)")?;
        migrate(&mut connection)
    })()
    .map_err(engine(&beside))?;
    connection.close().map_err(|(_, e)| engine(&beside)(e))?;
    fs::rename(&beside, path).map_err(io(path))?;
    sync_dir(data)
}

fn migrate(connection: &mut Connection) -> rusqlite::Result<()> {
    let found: i64 = connection.query_row("SELECT version FROM schema", [], |row| row.get(0))?;
    for step in MIGRATIONS.iter().skip(found as usize) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.execute("UPDATE schema SET version = version + 1", [])?;
        transaction.commit()?;
    }
    Ok(())
}

/// Refuses what is not ours, is newer or is damaged, and changes nothing.
fn inspect(path: &Path) -> Result<(), StoreError> {
    let name = path.display().to_string();
    let foreign = |why: &str| StoreError::Foreign { path: name.clone(), why: why.to_owned() };
    let mut header = Vec::new();
    File::open(path).and_then(|f| f.take(100).read_to_end(&mut header)).map_err(io(path))?;
    if header.is_empty() {
        return Err(StoreError::Damaged { path: name, why: "it is empty".to_owned() });
    }
    if !header.starts_with(b"SQLite format 3\0") {
        return Err(foreign("it is not an SQLite file"));
    }
    let Some(application) = header.get(68..72) else {
        return Err(StoreError::Damaged { path: name, why: "it ends inside its header".to_owned() });
    };
    if application != APPLICATION.to_be_bytes() {
        return Err(foreign("it is an SQLite file of another program"));
    }
    let engine = engine(path);
    let connection = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).map_err(&engine)?;
    let found: i64 = connection.query_row("SELECT version FROM schema", [], |row| row.get(0)).map_err(&engine)?;
    if found > VERSION {
        return Err(StoreError::Newer { path: name, found, known: VERSION });
    }
    let check: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(&engine)?;
    if check != "ok" {
        return Err(StoreError::Damaged { path: name, why: check });
    }
    Ok(())
}
