import Foundation
import Kafka
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

/// A TCP socket on a loopback port that the system chose: closed, it is a port where nobody listens; listening, it is
/// a server that accepts connections (the kernel does) and never says a word.
final class LoopbackSocket: Sendable {
  struct Failed: Error {
    let number = errno
  }

  let port: UInt16
  private let descriptor: Int32

  init() throws {
    #if canImport(Glibc)
      let stream = Int32(SOCK_STREAM.rawValue)
    #else
      let stream = SOCK_STREAM
    #endif
    descriptor = socket(AF_INET, stream, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = descriptor
    let isBound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, size) == 0 && getsockname(descriptor, $0, &size) == 0
      }
    }
    guard isBound else { throw Failed() }
    port = UInt16(bigEndian: address.sin_port)
  }

  func listen() {
    #if canImport(Glibc)
      _ = Glibc.listen(descriptor, 16)
    #else
      _ = Darwin.listen(descriptor, 16)
    #endif
  }

  func close() {
    #if canImport(Glibc)
      _ = Glibc.close(descriptor)
    #else
      _ = Darwin.close(descriptor)
    #endif
  }
}

/// Waits until a condition holds, looking again every few milliseconds, for as long as tests are patient.
func until(_ condition: () async -> Bool) async {
  let deadline = ContinuousClock.now + patience
  while !(await condition()), ContinuousClock.now < deadline {
    try? await Task.sleep(for: .milliseconds(5))
  }
}

/// The code of a failure; nil for a success.
func failureCode<Success>(_ result: Result<Success, KafkaError>) -> Int32? {
  if case .failure(let error) = result { error.code } else { nil }
}
