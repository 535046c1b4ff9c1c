//! .NET: packages that a program was published with, and what asks for them.

pub(crate) mod deps;
