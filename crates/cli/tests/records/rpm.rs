//! rpm: real databases of two formats, with advisories planted for what is in them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use cleanbill_testkit::components::harness::Failed;
use serde_json::{Value, json};

use crate::support::data::unpacked;
use crate::support::scans::{build, listed, same_in_every_format};

pub(crate) fn same_findings(files: &[PathBuf]) -> Result<(), Failed> {
    let roots = [
        ("var/lib/rpm/rpmdb.sqlite", "ID=mariner\nVERSION_ID=\"2.0\"\n", "Azure Linux:2", 129),
        (
            "usr/lib/sysimage/rpm/Packages.db",
            "ID=sles\nVERSION_ID=\"15.3\"\n",
            "SUSE:Linux Enterprise Server 15 SP3",
            35,
        ),
    ];
    for (file, (path, release, ecosystem, count)) in files.iter().zip(roots) {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("root");
        let place = root.join(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::create_dir_all(root.join("etc")).unwrap();
        std::fs::write(&place, unpacked(file)).unwrap();
        std::fs::write(root.join("etc/os-release"), release).unwrap();
        let record = |id: &str, name: &str, fixed: &str| {
            json!({"id": id, "modified": "2026-01-01T00:00:00Z",
                "affected": [{"package": {"ecosystem": ecosystem, "name": name},
                    "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": fixed}]}]}]})
        };
        let records = [
            record("CVE-2026-1", "zlib", "99"),
            record("CVE-2026-2", "bash", "99"),
            record("CVE-2026-3", "bash", "0.1"),
            record("CVE-2026-4", "no-such-package", "99"),
            record("CVE-2026-5", "libz1", "99"),
        ];
        let feed = home.path().join("records.json");
        std::fs::write(&feed, Value::from(records.to_vec()).to_string()).unwrap();
        let database = build(home.path(), &[&feed]);
        let scan = same_in_every_format(home.path(), &format!("rootfs:{}", root.display()), &database);
        assert_eq!(scan["packages"], count);
        let ids: BTreeSet<_> = listed(&scan, |_| ()).into_iter().map(|(_, id, ())| id).collect();
        assert!(ids.contains("CVE-2026-2"), "{ids:?}");
        assert!(ids.contains("CVE-2026-1") || ids.contains("CVE-2026-5"), "{ids:?}");
        assert!(!ids.contains("CVE-2026-3") && !ids.contains("CVE-2026-4"), "{ids:?}");
    }
    Ok(())
}
