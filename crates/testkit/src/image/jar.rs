//! Java archives for tests.

use std::io::Write as _;

/// A zip with `entries` in their order, deflated; equal calls give equal bytes.
pub fn jar(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut archive = rawzip::ZipArchiveWriter::new(&mut out);
    for (path, bytes) in entries {
        let (mut entry, config) =
            archive.new_file(*path).compression_method(rawzip::CompressionMethod::DEFLATE).start().unwrap();
        let encoder = flate2::write::DeflateEncoder::new(&mut entry, flate2::Compression::default());
        let mut writer = config.wrap(encoder);
        writer.write_all(bytes).unwrap();
        let (encoder, descriptor) = writer.finish().unwrap();
        encoder.finish().unwrap();
        entry.finish(descriptor).unwrap();
    }
    archive.finish().unwrap();
    out
}

/// A jar that says of itself, as Maven writes it, that it is log4j-core in `version`; there is no code in it.
pub fn log4j_core_jar(version: &str) -> Vec<u8> {
    let manifest = format!(
        "Manifest-Version: 1.0\r\nImplementation-Title: Apache Log4j Core\r\nImplementation-Version: {version}\r\n\r\n"
    );
    let properties = format!("artifactId=log4j-core\ngroupId=org.apache.logging.log4j\nversion={version}\n");
    jar(&[
        ("META-INF/MANIFEST.MF", manifest.as_bytes()),
        ("META-INF/maven/org.apache.logging.log4j/log4j-core/pom.properties", properties.as_bytes()),
    ])
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_jar_is_a_zip_that_can_be_read_back() {
        let bytes = log4j_core_jar("2.14.1");
        assert_eq!(bytes, log4j_core_jar("2.14.1"));
        let archive = rawzip::ZipArchive::from_slice(&bytes).unwrap();
        let mut found = String::new();
        let mut entries = archive.entries();
        while let Some(entry) = entries.next_entry().unwrap() {
            if entry.file_path().as_ref().ends_with(b"pom.properties") {
                let local = archive.get_entry(entry.wayfinder()).unwrap();
                let inflated = flate2::bufread::DeflateDecoder::new(local.data());
                local.verifying_reader(inflated).read_to_string(&mut found).unwrap();
            }
        }
        assert!(found.contains("version=2.14.1\n"), "{found}");
    }
}
