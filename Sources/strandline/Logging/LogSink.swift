import Foundation
import Synchronization

/// Where log lines go: whole lines, one at a time, from any thread.
protocol LogSink: Sendable {
  func write(_ line: [UInt8])
}

/// A file descriptor. A log that cannot be written is lost; it must not stop the process it reports on.
final class DescriptorLogSink: LogSink {
  private let descriptor: Mutex<Int32>

  init(descriptor: Int32) { self.descriptor = Mutex(descriptor) }

  func write(_ line: [UInt8]) {
    descriptor.withLock { try? FileWriter.write(line, to: $0) }
  }
}
