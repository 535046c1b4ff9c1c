//! Real data that tests read where it is: the folder that `CLEANBILL_TEST_DATA` names, else `shared/data`
//! beside the checkout. A test whose data is not there is counted as ignored and says what it needs.

use std::fs::File;
use std::path::{Path, PathBuf};

use cleanbill_testkit::components::harness::{Failed, Trial};

/// Where the data is, if it is there.
pub fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("CLEANBILL_TEST_DATA").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let folder = named.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"));
    folder.is_dir().then_some(folder)
}

/// A test of data: it gets the paths of `files`, which are named as in the folder.
pub fn data_test(
    name: &str,
    files: &'static [&'static str],
    test: impl FnOnce(&[PathBuf]) -> Result<(), Failed> + Send + 'static,
) -> Trial {
    let folder = folder();
    let paths: Vec<PathBuf> = folder.iter().flat_map(|folder| files.iter().map(|file| folder.join(file))).collect();
    let missing = files.iter().zip(&paths).find(|(_, path)| !path.exists()).map(|(file, _)| *file);
    match (folder, missing) {
        (Some(_), None) => Trial::test(name, move || test(&paths)),
        (Some(_), Some(file)) => ignored(name, file),
        (None, _) => ignored(name, files.first().copied().unwrap_or("data")),
    }
}

fn ignored(name: &str, what: &str) -> Trial {
    Trial::test(name, || Ok(())).with_kind(format!("needs the data {what}")).with_ignored_flag(true)
}

/// What a file packed with zstd holds.
pub fn unpacked(file: &Path) -> Vec<u8> {
    zstd::decode_all(File::open(file).unwrap()).unwrap()
}

/// Unpacks an archive of data into `folder`.
pub fn unpack_archive(file: &Path, folder: &Path) {
    tar::Archive::new(zstd::Decoder::new(File::open(file).unwrap()).unwrap()).unpack(folder).unwrap();
}

/// Paths and contents of the files in an archive of data.
pub fn each_file(file: &Path, mut see: impl FnMut(&str, &[u8])) {
    let mut archive = tar::Archive::new(zstd::Decoder::new(File::open(file).unwrap()).unwrap());
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        if entry.header().entry_type().is_file() {
            let path = entry.path().unwrap().display().to_string();
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
            see(&path, &bytes);
        }
    }
}
