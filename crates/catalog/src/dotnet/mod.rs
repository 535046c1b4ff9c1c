//! .NET: what NuGet wrote down.

pub(crate) mod nuget_lock;
pub(crate) mod packages_config;
pub(crate) mod packages_props;
pub(crate) mod paket_lock;
mod versions;
