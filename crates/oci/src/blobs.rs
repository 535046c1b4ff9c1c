//! Big blobs for synchronous readers: bytes flow from the asynchronous answer through a short queue to
//! a blocking [`Read`].

use std::io::{self, Read};
use std::time::Duration;

use bytes::{Buf as _, Bytes};
use cleanbill_image::{Blobs, Descriptor, ImageError};
use cleanbill_model::Reference;
use http::Method;
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use crate::error::OciError;
use crate::transport::{Call, Client};

/// Chunks that wait for the reader; a chunk is what the network gave at once.
const QUEUE: usize = 16;

enum Message {
    /// The registry has it.
    Begin,
    Chunk(Bytes),
    /// All of it was sent.
    End,
    Failed(String),
}

/// Blobs of one repository. Read them on a thread that may block.
pub struct RegistryBlobs {
    client: Client,
    reference: Reference,
    handle: Option<Handle>,
}

impl Client {
    /// The blobs of a repository, for synchronous readers on a blocking thread (uses the current
    /// runtime's handle; must be called inside one).
    pub fn blobs(&self, reference: &Reference) -> RegistryBlobs {
        RegistryBlobs { client: self.clone(), reference: reference.clone(), handle: Handle::try_current().ok() }
    }
}

impl Blobs for RegistryBlobs {
    fn open<'a>(&'a self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send + 'a>, ImageError> {
        let what = format!("blob {} of {}", descriptor.digest, self.reference.name());
        let source = |why: String| ImageError::Source { what: what.clone(), why };
        let Some(handle) = &self.handle else {
            return Err(source("blobs were asked for outside a runtime".to_owned()));
        };
        let (sender, mut receiver) = mpsc::channel(QUEUE);
        let (client, reference, wanted) = (self.client.clone(), self.reference.clone(), descriptor.clone());
        handle.spawn(async move {
            let last = match pump(&client, &reference, &wanted, &sender).await {
                Ok(()) => Message::End,
                Err(why) => Message::Failed(why),
            };
            // Fails when the reader is gone, and then nobody wants to know.
            let _ = sender.send(last).await;
        });
        match receive(&mut receiver) {
            Some(Message::Begin) => Ok(Box::new(BlobReader { receiver, chunk: Bytes::new(), ended: false })),
            Some(Message::Failed(why)) => Err(source(why)),
            _ => Err(source("the runtime ended".to_owned())),
        }
    }
}

/// Waits for a message without a runtime of its own, so that any thread may do it.
fn receive(receiver: &mut mpsc::Receiver<Message>) -> Option<Message> {
    futures::executor::block_on(receiver.recv())
}

/// Sends the bytes of a blob into the queue; no more than its descriptor states.
async fn pump(
    client: &Client,
    reference: &Reference,
    wanted: &Descriptor,
    queue: &mpsc::Sender<Message>,
) -> Result<(), String> {
    let what = format!("read blob {} of {}", wanted.digest, reference.name());
    let why = |e: OciError| e.why;
    let path = format!("{}/blobs/{}", reference.repository(), wanted.digest);
    let call = Call::new(client, reference, Method::GET, &path, what.clone()).map_err(why)?;
    let mut response = client.send(call).await.map_err(why)?.good(&what).await.map_err(why)?.response;
    if queue.send(Message::Begin).await.is_err() {
        return Ok(());
    }
    // Each chunk has the timeout of a request: a slow line may take long, a silent one not.
    let patience: Duration = client.inner.options.timeout;
    let mut left = wanted.size;
    loop {
        let chunk = tokio::time::timeout(patience, response.chunk())
            .await
            .map_err(|_| format!("no bytes for {} s", patience.as_secs_f32()))?
            .map_err(
                |e| if e.is_timeout() { "no bytes in time".to_owned() } else { "the connection broke".to_owned() },
            )?;
        let Some(chunk) = chunk else { break };
        left = left.checked_sub(chunk.len() as u64).ok_or_else(|| {
            format!("the registry sends more than the {} bytes that the manifest states", wanted.size)
        })?;
        if queue.send(Message::Chunk(chunk)).await.is_err() {
            return Ok(());
        }
    }
    if left > 0 {
        return Err(format!("the registry sends {left} bytes less than the manifest states"));
    }
    Ok(())
}

struct BlobReader {
    receiver: mpsc::Receiver<Message>,
    chunk: Bytes,
    ended: bool,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.chunk.is_empty() && !self.ended && !buffer.is_empty() {
            match receive(&mut self.receiver) {
                Some(Message::Chunk(chunk)) => self.chunk = chunk,
                Some(Message::End) => self.ended = true,
                Some(Message::Begin) => {}
                Some(Message::Failed(why)) => return Err(io::Error::other(why)),
                None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the runtime ended")),
            }
        }
        let count = self.chunk.len().min(buffer.len());
        buffer[..count].copy_from_slice(&self.chunk[..count]);
        self.chunk.advance(count);
        Ok(count)
    }
}
