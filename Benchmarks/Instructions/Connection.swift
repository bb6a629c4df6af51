import Foundation

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Why the program could not do its work.
struct InstructionsFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

/// A blocking connection that does as little as a client can: what it costs is counted too.
final class Connection {
  private let descriptor: Int32
  private var buffer = [UInt8](repeating: 0, count: 1 << 20)

  init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw InstructionsFailure("connect: errno \(errno)") }
  }

  deinit { close(descriptor) }

  /// Sends a request and reads its answer.
  /// - Parameter length: bytes of the answer; nil: as its head says.
  /// - Returns: bytes of the answer.
  func answer(to request: [UInt8], length: Int?) throws -> Int {
    guard send(descriptor, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
      throw InstructionsFailure("send: errno \(errno)")
    }
    var have = 0
    var want = length ?? Int.max
    while have < want {
      let count = buffer.withUnsafeMutableBytes {
        recv(descriptor, $0.baseAddress.map { $0 + have }, $0.count - have, 0)
      }
      guard count > 0 else { throw InstructionsFailure("recv: \(count), errno \(errno)") }
      have += count
      if length == nil { want = try lengthOfAnswer(Array(buffer[..<have])) ?? .max }
    }
    return have
  }

  private func lengthOfAnswer(_ bytes: [UInt8]) throws -> Int? {
    let text = String(decoding: bytes, as: UTF8.self)
    guard let end = text.range(of: "\r\n\r\n") else { return nil }
    let head = text[..<end.lowerBound]
    guard head.hasPrefix("HTTP/1.1 200"), let field = head.range(of: "Content-Length: ") else {
      throw InstructionsFailure("the answer is no page: \(head)")
    }
    return head.utf8.count + 4 + (Int(head[field.upperBound...].prefix { $0.isNumber }) ?? 0)
  }
}

/// Runs blocking code off the cooperative pool.
func onThread(_ body: @escaping @Sendable () throws -> Void) async throws {
  try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
    Thread.detachNewThread { continuation.resume(with: Result { try body() }) }
  }
}
