import Foundation
import Kafka
import Synchronization

/// Reads lines from a file descriptor on a thread of its own and hands them over in batches, at most one ahead.
final class EmitInput: Sendable {
  /// Bytes read at a time.
  private static let chunkBytes = 256 << 10
  /// A batch is handed over this early when input pauses, so that a line typed by hand does not wait for others.
  private static let pauseMilliseconds: Int32 = 50

  let batches: AsyncStream<EmitBatch>
  private let room = DispatchSemaphore(value: 1)
  private let isStopped = Atomic(false)
  private let failure = Mutex<String?>(nil)

  init(descriptor: Int32, defaults: EmitLine.Defaults) {
    let (stream, continuation) = AsyncStream.makeStream(of: EmitBatch.self)
    batches = stream
    // The thread ends with the input, or with the process.
    _ = DedicatedThread(name: "emit-input") { [self] in
      read(descriptor, defaults) { batch in
        room.wait()
        if !isStopped.load(ordering: .acquiring) { continuation.yield(batch) }
      }
      continuation.finish()
    }
  }

  /// Why reading ended before the end of the input.
  var readFailure: String? { failure.withLock { $0 } }

  /// To be called when a batch is done with: the next one may be handed over.
  func done() { room.signal() }

  func stop() {
    isStopped.store(true, ordering: .releasing)
    room.signal()
  }

  private func read(_ descriptor: Int32, _ defaults: EmitLine.Defaults, _ give: (EmitBatch) -> Void) {
    var splitter = LineSplitter(bytesMax: EmitLine.bytesMax)
    var batch = EmitBatch()
    func flush() {
      if !batch.isEmpty { give(batch) }
      batch = EmitBatch()
    }
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunkBytes, alignment: 16)
    defer { chunk.deallocate() }
    while !isStopped.load(ordering: .acquiring) {
      if !batch.isEmpty {
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        if poll(&waiting, 1, Self.pauseMilliseconds) == 0 { flush() }
      }
      let count = Foundation.read(descriptor, chunk.baseAddress, chunk.count)
      if count == 0 { break }
      if count < 0 {
        if errno == EINTR || errno == EAGAIN { continue }
        let reason = String(cString: strerror(errno))
        failure.withLock { $0 = reason }
        break
      }
      splitter.feed(UnsafeRawBufferPointer(rebasing: chunk[..<count])) { number, line in
        batch.add(number, line, defaults: defaults)
        if batch.isFull { flush() }
      }
    }
    splitter.finish { batch.add($0, $1, defaults: defaults) }
    flush()
  }
}
