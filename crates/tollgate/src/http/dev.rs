//! The page for development.
pub async fn page() {}
pub async fn stream() {}
pub async fn style() {}
pub async fn script() {}
