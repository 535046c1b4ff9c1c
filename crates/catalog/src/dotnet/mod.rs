//! .NET: packages that a program was published with, and what asks for them.

pub(crate) mod deps;
pub(crate) mod nuget_lock;
pub(crate) mod packages_config;
pub(crate) mod packages_props;
pub(crate) mod paket_lock;
mod versions;
