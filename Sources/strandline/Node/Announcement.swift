import FeedServer
import ServiceLifecycle

/// Says something as soon as the feed listens, and then waits for the end.
struct Announcement: Service {
  let server: FeedServer
  let announce: @Sendable (_ ports: (feed: Int, management: Int?)) async throws -> Void

  func run() async throws {
    if let ports = await server.listening() { try await announce(ports) }
    try? await gracefulShutdown()
  }
}
