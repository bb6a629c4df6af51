import Crdkafka
import Synchronization

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// Counts the connections a client opens.
///
/// librdkafka connects again on its own and goes on fetching as if nothing had been. Its thread opens the socket before
/// anything can come over it, so who finds the number unchanged after a poll knows that all the poll brought came over
/// connections counted before.
final class ConnectionCounter: Sendable {
  private let opened = Atomic<UInt64>(0)

  var count: UInt64 { opened.load(ordering: .acquiring) }

  /// Does what librdkafka does by itself, and counts.
  func open(domain: Int32, kind: Int32, transport: Int32) -> Int32 {
    opened.wrappingAdd(1, ordering: .releasing)
    return socket(domain, kind | Int32(SOCK_CLOEXEC.rawValue), transport)
  }
}
