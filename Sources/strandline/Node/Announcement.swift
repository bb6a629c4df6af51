import FeedServer
import ServiceLifecycle

/// Says something as soon as the feed listens, and then waits for the end.
struct Announcement: Service {
  let server: FeedServer
  let announce: @Sendable (_ ports: (feed: Int, management: Int?)) async throws -> Void

  func run() async throws {
    try await cancelWhenGracefulShutdown {
      do {
        if let ports = await server.listening() { try await announce(ports) }
      } catch is CancellationError {}
    }
    try? await gracefulShutdown()
  }
}
