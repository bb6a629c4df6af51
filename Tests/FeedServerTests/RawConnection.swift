import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// A connection without an HTTP client: bytes out, bytes in. Blocking, so for a thread of its own.
final class RawConnection {
  struct Failure: Error { let text: String }

  private let descriptor: Int32
  private(set) var unread: [UInt8] = []

  /// - Parameter receiveBuffer: the system's, in bytes; small, to read slowly.
  init(port: Int, receiveBuffer: Int32? = nil) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    if let receiveBuffer {
      var size = receiveBuffer
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    // No test may hang: what has not come after this long never will.
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw Failure(text: "connect: errno \(errno)") }
  }

  deinit { close(descriptor) }

  /// Sends as much as the server takes; false when it has closed.
  @discardableResult
  func send(_ text: String) -> Bool {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let sent = bytes.withUnsafeBytes { Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard sent > 0 else { return false }
      bytes = bytes.dropFirst(sent)
    }
    return true
  }

  func endOutput() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// Reads some more; false at the end, or when the server has reset the connection.
  func more() throws -> Bool {
    var chunk = [UInt8](repeating: 0, count: 65_536)
    let count = recv(descriptor, &chunk, chunk.count, 0)
    if count > 0 {
      unread += chunk[..<count]
      return true
    }
    if count < 0, errno == EAGAIN || errno == EWOULDBLOCK { throw Failure(text: "nothing came for a minute") }
    return false
  }

  /// Everything until the server closes.
  func rest() throws -> String {
    while try more() {}
    defer { unread = [] }
    return String(decoding: unread, as: UTF8.self)
  }

  /// One answer: its head, and its body by its length.
  func answer(isHead: Bool = false) throws -> RawAnswer {
    let mark = Array("\r\n\r\n".utf8)
    while unread.firstRange(of: mark) == nil {
      guard try more() else { throw Failure(text: "closed in a head: \(String(decoding: unread, as: UTF8.self))") }
    }
    guard let end = unread.firstRange(of: mark) else { throw Failure(text: "no head") }
    let head = String(decoding: unread[..<end.lowerBound], as: UTF8.self)
    unread.removeSubrange(..<end.upperBound)
    let answer = RawAnswer(head: head)
    let length = isHead ? 0 : answer.field("Content-Length").flatMap { Int($0) } ?? 0
    while unread.count < length {
      guard try more() else { throw Failure(text: "closed in a body") }
    }
    defer { unread.removeSubrange(..<length) }
    return RawAnswer(head: head, body: String(decoding: unread[..<length], as: UTF8.self))
  }

  /// Whether the server has closed, and sent nothing before.
  func isClosed() throws -> Bool { try !more() && unread.isEmpty }
}

struct RawAnswer: Equatable {
  let head: String
  var body = ""

  var code: Int { Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0 }

  func field(_ name: String) -> String? {
    for line in head.split(separator: "\r\n") where line.lowercased().hasPrefix(name.lowercased() + ": ") {
      return String(line.dropFirst(name.count + 2))
    }
    return nil
  }

  /// Without what differs from second to second.
  var comparable: RawAnswer {
    let lines = head.split(separator: "\r\n", omittingEmptySubsequences: false)
    return RawAnswer(
      head: lines.map { $0.hasPrefix("Date: ") ? "Date: …" : String($0) }.joined(separator: "\r\n"), body: body)
  }
}

/// Runs blocking code off the cooperative pool.
func onThread<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
  }
}
