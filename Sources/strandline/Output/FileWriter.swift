import Foundation

/// Writes to a file descriptor that the process owns for its whole life: standard output or standard error.
///
/// Lines leave at once or, on a pipe, when the buffer is full; a reader that has gone (`strandline actions | head`) is
/// told as `WriteFailure.readerGone`, so that the command can end quietly.
struct FileWriter {
  /// Bytes kept back before a write to something that is no terminal.
  static let bufferBytesMax = 64 << 10

  let descriptor: Int32
  private var buffer: [UInt8] = []

  init(descriptor: Int32) { self.descriptor = descriptor }

  static var output: FileWriter { FileWriter(descriptor: STDOUT_FILENO) }
  static var error: FileWriter { FileWriter(descriptor: STDERR_FILENO) }

  mutating func line(_ bytes: some Sequence<UInt8>) throws(WriteFailure) {
    buffer += bytes
    buffer.append(UInt8(ascii: "\n"))
    if buffer.count >= Self.bufferBytesMax { try flush() }
  }

  mutating func line(_ text: String) throws(WriteFailure) { try line(text.utf8) }

  mutating func line(_ value: JSONValue) throws(WriteFailure) { try line(value.bytes) }

  mutating func flush() throws(WriteFailure) {
    defer { buffer.removeAll(keepingCapacity: true) }
    try Self.write(buffer, to: descriptor)
  }

  /// Writes everything, however many calls it takes.
  static func write(_ bytes: [UInt8], to descriptor: Int32) throws(WriteFailure) {
    let failure: WriteFailure? = bytes.withUnsafeBytes { all in
      var rest = all[...]
      while !rest.isEmpty {
        let written = Foundation.write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
        if written > 0 {
          rest = rest.dropFirst(written)
        } else if errno == EPIPE {
          return .readerGone
        } else if errno == EAGAIN {
          var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          _ = poll(&waiting, 1, 1_000)
        } else if errno != EINTR {
          return .failed(String(cString: strerror(errno)))
        }
      }
      return nil
    }
    if let failure { throw failure }
  }
}

/// Why output could not be written.
enum WriteFailure: Error, Equatable {
  /// Nobody reads the pipe any more.
  case readerGone
  case failed(String)
}
