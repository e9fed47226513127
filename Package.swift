// swift-tools-version: 6.3
import PackageDescription

/// Every target of ours is compiled so: pointers must be marked `unsafe`, and warnings stop the
/// build. Dynamic exclusivity checks cost the loops a factor (classes are loop-confined and the
/// debug build still checks), so the release build leaves them out.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableExperimentalFeature("Lifetimes"),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// Tests may hold pointers (guard pages) without marking each one.
let tests: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableExperimentalFeature("Lifetimes"),
]

let package = Package(
    name: "presence-sidecar",
    products: [.executable(name: "sidecar", targets: ["Sidecar"])],
    targets: [
        .systemLibrary(name: "CLinux"),
        .systemLibrary(name: "CWide"),
        .systemLibrary(
            name: "COpenSSL", pkgConfig: "openssl", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(
            name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .target(
            name: "ProxyCore", dependencies: ["CLinux", "CWide", "COpenSSL"], swiftSettings: house),
        .target(name: "Presence", dependencies: ["ProxyCore", "CSQLite"], swiftSettings: house),
        .target(
            name: "StatusAPI", dependencies: ["Presence", "ProxyCore"],
            // Files for browsers, as they are: the binary needs no folder beside it.
            resources: [
                .embedInCode("Web/dashboard"), .embedInCode("Web/client"),
                .embedInCode("Web/react.js"), .embedInCode("Web/openapi.json"),
            ], swiftSettings: house),
        .executableTarget(
            name: "Sidecar", dependencies: ["StatusAPI", "Presence", "ProxyCore"],
            swiftSettings: house),
        .target(
            name: "Support", dependencies: ["ProxyCore"], path: "Tests/Support",
            swiftSettings: tests),
        .testTarget(
            name: "ProxyCoreTests", dependencies: ["ProxyCore", "Support", "CWide", "COpenSSL"],
            swiftSettings: tests),
        .testTarget(
            name: "PresenceTests", dependencies: ["Presence", "ProxyCore", "Support"],
            swiftSettings: tests),
        .testTarget(
            name: "StatusAPITests",
            dependencies: ["StatusAPI", "Presence", "ProxyCore", "Support"],
            swiftSettings: tests),
        .testTarget(
            name: "SidecarTests", dependencies: ["Sidecar", "Support"], swiftSettings: tests),
        .testTarget(name: "TidyTests", swiftSettings: tests),
    ]
)
