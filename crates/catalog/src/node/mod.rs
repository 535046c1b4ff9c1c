//! Node.js: packages that are installed, and what asks for them.

pub(crate) mod package_json;
