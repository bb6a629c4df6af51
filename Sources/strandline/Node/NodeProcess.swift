import FeedServer
import Logging
import Metrics
import ServiceLifecycle

/// Runs services until a signal ends them.
enum NodeProcess {
  /// Makes the registry that all modules write to. Once a process.
  static func bootstrapMetrics() -> PrometheusRegistry {
    let registry = PrometheusRegistry()
    MetricsSystem.bootstrap(registry)
    Gauge(label: "strandline_build_info", dimensions: [("version", Strandline.version)]).record(1)
    return registry
  }

  /// - Parameters:
  ///   - services: in the order they start; they end in reverse
  ///   - endings: run one after the other when all services have ended, however they did: what is closed in them was
  ///     still in use until then
  static func run(
    _ services: [any Service], endings: [Ending], signals: StopSignals, plan: ShutdownPlan, logger: Logger
  ) async throws {
    var configuration = ServiceGroupConfiguration(
      services: services.map { .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup) },
      logger: logger.quiet)
    configuration.maximumGracefulShutdownDuration = plan.graceful
    let group = ServiceGroup(configuration: configuration)
    // A signal that came during the start is remembered by both.
    signals.onStop { Task { await group.triggerGracefulShutdown() } }
    var failure: (any Error)?
    do { try await group.run() } catch { failure = error }
    signals.startClock()
    for ending in endings {
      do { try await ending.close() } catch { failure = failure ?? error }
    }
    if let failure { throw failure }
  }
}

/// Something that is closed when the services have ended.
struct Ending: Sendable {
  let close: @Sendable () async throws -> Void
}

extension Logger {
  /// For a library whose notes of its own doings are no news at the level of information.
  var quiet: Logger {
    var logger = self
    if logger.logLevel == .info { logger.logLevel = .notice }
    return logger
  }
}
