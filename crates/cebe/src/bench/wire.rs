//! A bare HTTP/1.1 connection: writes a request, reads an answer, and does nothing else, so that the load costs little.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

const ANSWER_WITHIN: Duration = Duration::from_secs(120);

/// One connection that stays open.
pub(super) struct Wire {
    stream: BufReader<TcpStream>,
    head: String,
    out: Vec<u8>,
}

impl Wire {
    /// Connects; every request goes to this host under this key and company.
    pub(super) fn connect(address: &str, key: &str, company: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_WITHIN))?;
        let head = format!("host: {address}\r\nauthorization: Bearer {key}\r\nx-company-id: {company}\r\n");
        Ok(Self { stream: BufReader::new(stream), head, out: Vec::new() })
    }

    /// Sends events; status and body.
    pub(super) fn post(&mut self, path: &str, body: &[u8]) -> Result<(u16, Vec<u8>)> {
        self.out.clear();
        write!(
            self.out,
            "POST {path} HTTP/1.1\r\n{}content-type: application/x-ndjson\r\ncontent-length: {}\r\n\r\n",
            self.head,
            body.len()
        )?;
        self.out.extend_from_slice(body);
        self.exchange()
    }

    /// Reads; status and body.
    pub(super) fn get(&mut self, path: &str) -> Result<(u16, Vec<u8>)> {
        self.out.clear();
        write!(self.out, "GET {path} HTTP/1.1\r\n{}\r\n", self.head)?;
        self.exchange()
    }

    fn exchange(&mut self) -> Result<(u16, Vec<u8>)> {
        self.stream.get_mut().write_all(&self.out)?;
        let status = self.line()?.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no status")?;
        let mut length = 0;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                break;
            }
            let (name, value) = line.split_once(':').context("no header")?;
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse().context("no length")?;
            } else if name.eq_ignore_ascii_case("transfer-encoding") {
                bail!("the answer has no length");
            }
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok((status, body))
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("the server closed the connection");
        }
        line.truncate(line.trim_end().len());
        Ok(line)
    }
}
