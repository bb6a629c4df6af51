import QueueMetadata
import ServiceLifecycle

/// Lets queue metadata be read for as long as the node runs. It is closed with the node's endings: requests under way
/// at the end may still change it.
struct QueueMetadataService: Service {
  let reader: QueueMetadataReader

  func run() async throws {
    reader.start()
    try await gracefulShutdown()
  }
}
