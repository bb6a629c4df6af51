import Foundation
import Synchronization

@testable import FeedServer

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// The same bytes over a socket, through the server as `serve` runs it: every connection is answered and ended.
final class LoopbackTarget: FuzzTarget {
  static let name = "loopback"
  static let share = 1_000_000

  /// A client that has said all it has to say hears the end within this.
  private static let answerSeconds = 8

  private let world: FeedWorld
  private let samples: WireSamples
  private let task: Task<Void, any Error>
  private let port: Int

  init(seed: UInt64) throws {
    world = try FeedWorld()
    samples = WireSamples(targets: world.targets)
    let server = world.server
    task = Task { try await server.run() }
    let found = Mutex<Int?>(nil)
    let ready = DispatchSemaphore(value: 0)
    Task {
      let ports = await server.listening()
      found.withLock { $0 = ports?.feed }
      ready.signal()
    }
    ready.wait()
    guard let port = found.withLock({ $0 }) else { throw Finding("the server does not listen", []) }
    self.port = port
  }

  func end() {
    task.cancel()
    let ended = DispatchSemaphore(value: 0)
    Task { [task] in
      _ = await task.result
      ended.signal()
    }
    ended.wait()
  }

  func run(_ random: inout SeededRandom) throws {
    let input = samples.input(&random)
    let cuts = random.oneIn(3) ? samples.cuts(of: input.count, &random).filter { _ in random.oneIn(4) } : []
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    guard descriptor >= 0 else { throw Finding("no socket: errno \(errno)", input) }
    defer { close(descriptor) }
    var patience = timeval(tv_sec: Self.answerSeconds, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    var yes: Int32 = 1
    setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &yes, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw Finding("no connection: errno \(errno)", input) }
    var start = 0
    for cut in cuts + [input.count] where cut > start {
      let sent = input[start..<cut].withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if sent < 0 { break }  // the server has ended the connection, as it may
      start = cut
    }
    // A client that goes away without a word must not upset anybody either.
    if random.oneIn(10) { return }
    shutdown(descriptor, Int32(SHUT_WR))
    var output: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &chunk, chunk.count, 0)
      if count > 0 {
        output += chunk[..<count]
      } else if count < 0, errno == EAGAIN || errno == EWOULDBLOCK {
        throw Finding("the connection does not end", input)
      } else if count < 0, errno == EINTR {
        continue
      } else {
        if count < 0 { return }  // reset: what came last may be cut
        break
      }
    }
    _ = try WireAnswers(output, input: input)
  }
}
