import Foundation
import Kafka
import Synchronization

/// Reads lines from a file descriptor on a thread of its own and hands them over in batches, at most one ahead.
final class EmitInput: Sendable {
  /// Bytes read at a time.
  private static let chunkBytes = 256 << 10
  /// A batch is handed over this early when input pauses, so that a line typed by hand does not wait for others.
  private static let pauseMilliseconds: Int32 = 50
  /// And this long after its first line when it does not: lines that come steadily wait for no end of them.
  private static let ageMilliseconds: Int32 = 100

  let batches: AsyncStream<EmitBatch>
  private let continuation: AsyncStream<EmitBatch>.Continuation
  /// Begins with nothing, and is given its one before there is a reader: a semaphore that goes with less than it began
  /// with traps, and a run may end without giving back what it took.
  private let room = DispatchSemaphore(value: 0)
  private let isStopped = Atomic(false)
  private let failure = Mutex<String?>(nil)

  init(descriptor: Int32, defaults: EmitLine.Defaults) {
    let (stream, continuation) = AsyncStream.makeStream(of: EmitBatch.self)
    batches = stream
    self.continuation = continuation
    room.signal()
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

  /// Ends `batches`, whatever input there is.
  func stop() {
    isStopped.store(true, ordering: .releasing)
    continuation.finish()
    room.signal()
  }

  private func read(_ descriptor: Int32, _ defaults: EmitLine.Defaults, _ give: (EmitBatch) -> Void) {
    var splitter = LineSplitter(bytesMax: EmitLine.bytesMax)
    var batch = EmitBatch()
    var ends = ContinuousClock.now
    func flush() {
      if !batch.isEmpty { give(batch) }
      batch = EmitBatch()
    }
    let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunkBytes, alignment: 16)
    defer { chunk.deallocate() }
    while !isStopped.load(ordering: .acquiring) {
      if !batch.isEmpty {
        let left = max(0, (ends - .now) / .milliseconds(1)).rounded(.up)
        var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        switch poll(&waiting, 1, min(Self.pauseMilliseconds, Int32(left))) {
        case 0:
          flush()
          continue
        case ..<0: continue  // interrupted
        default: if left == 0 { flush() }
        }
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
        if batch.isEmpty { ends = .now + .milliseconds(Self.ageMilliseconds) }
        batch.add(number, line, defaults: defaults)
        if batch.isFull { flush() }
      }
    }
    splitter.finish { batch.add($0, $1, defaults: defaults) }
    flush()
  }
}
