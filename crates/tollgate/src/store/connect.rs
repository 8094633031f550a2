//! A connection to Postgres on which a statement can be sent before the one before it is answered:
//! sqlx has no such thing. It is made from what sqlx read, and encrypted where sqlx would encrypt.
//! Wherever more is asked for (certificates that are checked, options of sqlx's own, a password that
//! is not in the URL), there is none, and sqlx's own connection does it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use futures_util::FutureExt;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, NoTls, Statement};
use tokio_rustls::TlsConnector;

use super::db::WAIT;

/// "Will you encrypt?", answered by one byte (postgresql.org/docs/current/protocol-flow.html, SSL
/// Session Encryption, November 2026).
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// What a URL may say beside user, password, host, port and database.
const KNOWN: [&str; 3] = ["sslmode", "ssl-mode", "host"];

/// How to get to a database.
#[derive(Clone, Debug)]
pub(super) struct Way {
    config: Config,
    socket: Option<String>,
    host: String,
    port: u16,
    encryption: Encryption,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    None,
    IfOffered,
    Required,
}

/// A connection, and what was prepared on it.
pub(super) struct Wire {
    pub(super) client: Client,
    pub(super) prepared: HashMap<&'static str, Statement>,
    conversation: JoinHandle<()>,
}

impl Wire {
    /// Takes leave of the server, and waits until that is said.
    pub(super) async fn close(self) {
        drop(self.client);
        // It only says that it ended: nobody could hear of a failure now.
        drop(self.conversation.await);
    }
}

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum NoWire {
    /// It may be there the next time.
    Away,
    /// It takes more than this knows, in the server's words.
    Refused(String),
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Way {
    /// Returns the way to this database; `None` where it takes more than this knows.
    pub(super) fn new(url: &str, options: &PgConnectOptions) -> Option<Self> {
        let said = url::Url::parse(url).ok()?;
        if said.query_pairs().any(|(name, _)| !KNOWN.contains(&&*name)) {
            return None;
        }
        let encryption = match options.get_ssl_mode() {
            PgSslMode::Disable | PgSslMode::Allow => Encryption::None,
            PgSslMode::Prefer => Encryption::IfOffered,
            PgSslMode::Require => Encryption::Required,
            PgSslMode::VerifyCa | PgSslMode::VerifyFull => return None,
        };
        let (host, port) = (options.get_host().to_owned(), options.get_port());
        let socket = options.get_socket().map(|it| format!("{}/.s.PGSQL.{port}", it.display()));
        Some(Self { config: config(&said, options), socket, host, port, encryption })
    }

    /// Connects and has the session set up.
    pub(super) async fn connect(&self, setup: &str) -> Result<Wire, NoWire> {
        let connecting = async {
            let stream = self.stream().await.map_err(|_| NoWire::Away)?;
            let (client, connection) =
                self.config.connect_raw(stream, NoTls).await.map_err(|it| meaning(&it))?;
            // How it ends is seen by whoever waits for an answer.
            let conversation = tokio::spawn(connection.map(drop));
            client.batch_execute(setup).await.map_err(|it| meaning(&it))?;
            Ok(Wire { client, prepared: HashMap::new(), conversation })
        };
        let connected = tokio::time::timeout(WAIT, connecting).await;
        connected.unwrap_or(Err(NoWire::Away))
    }

    async fn stream(&self) -> io::Result<Box<dyn Stream>> {
        if let Some(path) = &self.socket {
            return Ok(Box::new(UnixStream::connect(path).await?));
        }
        let mut stream = TcpStream::connect((self.host.as_str(), self.port)).await?;
        stream.set_nodelay(true)?;
        if self.encryption == Encryption::None {
            return Ok(Box::new(stream));
        }
        stream.write_all(&SSL_REQUEST).await?;
        match (stream.read_u8().await?, self.encryption) {
            (b'S', _) => Ok(Box::new(self.encrypt(stream).await?)),
            (b'N', Encryption::IfOffered) => Ok(Box::new(stream)),
            _ => Err(io::Error::other("the server does not encrypt")),
        }
    }

    async fn encrypt(&self, stream: TcpStream) -> io::Result<impl Stream + use<>> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let anybody = Arc::new(Anybody(Arc::clone(&provider)));
        let config = ClientConfig::builder_with_provider(provider);
        let config = config.with_safe_default_protocol_versions().map_err(io::Error::other)?;
        let config = config.dangerous().with_custom_certificate_verifier(anybody);
        let connector = TlsConnector::from(Arc::new(config.with_no_client_auth()));
        let name = ServerName::try_from(self.host.clone()).map_err(io::Error::other)?;
        connector.connect(name, stream).await
    }
}

fn config(said: &url::Url, options: &PgConnectOptions) -> Config {
    let mut config = Config::new();
    config.user(options.get_username());
    let password = said.password().map(|it| percent_encoding::percent_decode_str(it).collect());
    password.map(|it: Vec<u8>| config.password(it));
    options.get_database().map(|it| config.dbname(it));
    options.get_application_name().map(|it| config.application_name(it));
    options.get_options().map(|it| config.options(it));
    config
}

/// What says neither that the server is away nor that it is in trouble says that we are not let in.
fn meaning(error: &tokio_postgres::Error) -> NoWire {
    let refused = match error.code() {
        Some(code) => code.code().starts_with("28"),
        None => !super::failure::is_of_connection(error),
    };
    if refused { NoWire::Refused(error.to_string()) } else { NoWire::Away }
}

/// Encryption without a look at who it is, which is what `prefer` and `require` ask for
/// (postgresql.org/docs/current/libpq-ssl.html, table 32.1, November 2026).
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signature, known)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let known = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signature, known)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
