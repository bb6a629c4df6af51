import Dispatch
import FeedServer
import Foundation
import Logging
import Metrics
import ServiceLifecycle
import UnixSignals

/// Runs services until a signal ends them: SIGTERM and the first Ctrl-C gracefully, the second Ctrl-C at once.
enum NodeProcess {
  /// Makes the registry that all modules write to. Once a process.
  static func bootstrapMetrics() -> PrometheusRegistry {
    let registry = PrometheusRegistry()
    MetricsSystem.bootstrap(registry)
    Gauge(label: "strandline_build_info", dimensions: [("version", Strandline.version)]).record(1)
    return registry
  }

  /// - Parameter shutdownTimeoutSeconds: from the signal to the end of the process, whatever the services do.
  static func run(_ services: [any Service], shutdownTimeoutSeconds: Int, logger: Logger) async throws {
    let interrupts = SecondInterrupt()
    defer { interrupts.cancel() }
    let deadline = ShutdownDeadline(seconds: shutdownTimeoutSeconds, logger: logger)
    var configuration = ServiceGroupConfiguration(
      services: ([deadline] + services).map {
        .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup)
      },
      gracefulShutdownSignals: [.sigterm, .sigint], logger: logger.quiet)
    configuration.maximumGracefulShutdownDuration = .seconds(max(1, shutdownTimeoutSeconds - 2))
    try await ServiceGroup(configuration: configuration).run()
  }
}

/// Ends the process when a graceful shutdown takes longer than it may. What is lost then comes again from Kafka.
private struct ShutdownDeadline: Service {
  let seconds: Int
  let logger: Logger

  func run() async throws {
    await withGracefulShutdownHandler {
      try? await gracefulShutdown()
    } onGracefulShutdown: {
      logger.info("Shutting down", metadata: ["timeout_seconds": "\(seconds)"])
      DispatchQueue.global().asyncAfter(deadline: .now() + .seconds(seconds)) {
        logger.critical("The shutdown took too long; the process ends now")
        _exit(ExitStatus.failure.rawValue)
      }
    }
  }
}

/// Someone who presses Ctrl-C twice does not want to wait.
private final class SecondInterrupt {
  private let source: any DispatchSourceSignal

  init() {
    source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    var count: UInt = 0
    source.setEventHandler { [source] in
      count += source.data
      if count >= 2 { _exit(130) }
    }
    source.resume()
  }

  func cancel() { source.cancel() }
}

extension Logger {
  /// For a library whose notes of its own doings are no news at the level of information.
  var quiet: Logger {
    var logger = self
    if logger.logLevel == .info { logger.logLevel = .notice }
    return logger
  }
}
