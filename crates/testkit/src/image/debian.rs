//! A layer that looks like Debian 12 to whoever reads its package database.

use super::layer::Layer;

const OS_RELEASE: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\nVERSION_ID=\"12\"\n\
                          VERSION=\"12 (bookworm)\"\nVERSION_CODENAME=bookworm\nID=debian\n";

/// Debian 12 with `packages` installed: name, version, and the source package where it has another
/// name (or version, in parentheses, as dpkg writes it).
pub fn debian_layer(packages: &[(&str, &str, Option<&str>)]) -> Layer {
    let mut status = String::new();
    for (name, version, source) in packages {
        status.push_str(&format!(
            "Package: {name}\nStatus: install ok installed\nPriority: optional\nSection: misc\n\
             Installed-Size: 100\nMaintainer: Testkit <testkit@example.invalid>\nArchitecture: amd64\n"
        ));
        if let Some(source) = source {
            status.push_str(&format!("Source: {source}\n"));
        }
        status.push_str(&format!("Version: {version}\nDescription: {name} for tests\n\n"));
    }
    let mut layer = Layer::new()
        .file("usr/lib/os-release", OS_RELEASE)
        .symlink("etc/os-release", "../usr/lib/os-release")
        .file("etc/debian_version", "12.5\n")
        .file("var/lib/dpkg/status", status);
    for (name, _, _) in packages {
        layer = layer
            .file(&format!("var/lib/dpkg/info/{name}.list"), format!("/.\n/usr\n/usr/share/doc/{name}/copyright\n"))
            .file(&format!("usr/share/doc/{name}/copyright"), format!("Copyright of {name}: none, this is a test\n"));
    }
    layer.created_by("FROM debian:12 # testkit")
}
