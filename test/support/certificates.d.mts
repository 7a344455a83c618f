/** From here on, only programs with networkEnvironment() get NODE_EXTRA_CA_CERTS. */
export function keepCertificates(): void;

/** The environment of this process for a program that uses the network. */
export function networkEnvironment(): NodeJS.ProcessEnv;
