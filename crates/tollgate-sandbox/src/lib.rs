//! tollgate-sandbox
